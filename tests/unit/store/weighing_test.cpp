#include "store/weighing.h"

#include <gtest/gtest.h>

#include "fixture.h"
#include "store/reports.h"
#include "store/suppression.h"

namespace ecrelay::store {
namespace {

using records::ListRules;
using records::Sign;
using records::State;
using records::Weight;
using std::chrono::days;
using std::chrono::hours;

class Weighing : public testing::Test {
 protected:
  static Sign sign(Weight weight, TimePoint at, const std::string& reason = "hard",
                   const std::string& shop = "shop-a",
                   const std::string& key = "hanako@example.jp") {
    Sign sign = unknown_user(key, at);
    sign.weight = weight;
    sign.entry.shop = shop;
    sign.entry.reason = reason;
    return sign;
  }

  Weighed weigh(const Sign& sign) {
    Weighed weighed;
    EXPECT_TRUE(change(store_.writer(),
                       [&](Transaction& change) { weighed = store::weigh(change, sign, rules_); }));
    return weighed;
  }

  bool listed(TimePoint at, const std::string& shop = "shop-a") {
    return SuppressionIndex(store_.book()).find(shop, "hanako@example.jp", at)->has_value();
  }

  /// A mail to hanako that was sent at `at`.
  Ulid sent(unsigned n, TimePoint at) {
    Acceptance mail = store::mail(n);
    mail.recipients[0].key = "hanako@example.jp";
    const Ulid id = mail.message.id;
    accept(store_.writer(), std::move(mail));
    EXPECT_TRUE(record(store_.writer(), outcome(id, 0, State::sent, at)));
    return id;
  }

  ListRules rules_;
  TemporaryDirectory folder_;
  Store store_{settings(folder_.path())};
};

TEST_F(Weighing, ThreePointsOnThreeDaysOverAWeekAreAnEntry) {
  EXPECT_TRUE(weigh(sign(Weight::mailbox_point, noon, "disabled")).listed.empty());
  EXPECT_TRUE(weigh(sign(Weight::mailbox_point, noon + days(3), "disabled")).listed.empty());
  EXPECT_FALSE(listed(noon + days(3)));
  const auto weighed = weigh(sign(Weight::mailbox_point, noon + days(7), "disabled"));
  ASSERT_EQ(weighed.listed.size(), 1U);
  EXPECT_EQ(weighed.listed[0].reason, "soft-count");
  EXPECT_EQ(weighed.listed[0].expires_at, noon + days(37));
  EXPECT_TRUE(listed(noon + days(8)));
  EXPECT_FALSE(listed(noon + days(38)));
}

TEST_F(Weighing, ManyPointsOnADayAreOneAndTooShortASpanIsNoProof) {
  for (int i = 0; i < 10; ++i) weigh(sign(Weight::mailbox_point, noon + std::chrono::minutes(i)));
  for (int day = 1; day < 7; ++day) weigh(sign(Weight::mailbox_point, noon + days(day)));
  EXPECT_FALSE(listed(noon + days(6)));
}

TEST_F(Weighing, PointsOfAHostNeedMoreThanPointsOfAMailboxAndDoNotMix) {
  for (const int day : {0, 4, 8, 12})
    EXPECT_TRUE(weigh(sign(Weight::delivery_point, noon + days(day))).listed.empty());
  EXPECT_TRUE(weigh(sign(Weight::mailbox_point, noon + days(13))).listed.empty());
  EXPECT_FALSE(weigh(sign(Weight::delivery_point, noon + days(14))).listed.empty());
}

TEST_F(Weighing, OldPointsVanish) {
  weigh(sign(Weight::mailbox_point, noon));
  weigh(sign(Weight::mailbox_point, noon + days(20)));
  EXPECT_TRUE(weigh(sign(Weight::mailbox_point, noon + days(31))).listed.empty());
}

TEST_F(Weighing, ADeliveryThatStaysQuietTakesThePointsAway) {
  weigh(sign(Weight::mailbox_point, noon));
  weigh(sign(Weight::mailbox_point, noon + days(2)));
  sent(1, noon + days(3));
  EXPECT_TRUE(weigh(sign(Weight::mailbox_point, noon + days(7))).listed.empty());
}

TEST_F(Weighing, ADeliveryThatBouncedOrIsTooFreshProvesNoLife) {
  weigh(sign(Weight::mailbox_point, noon));
  weigh(sign(Weight::mailbox_point, noon + days(2)));
  records::Report bounce;
  bounce.message = sent(1, noon + days(3));
  bounce.at = noon + days(3);
  bounce.decision = "count";
  ASSERT_TRUE(change(store_.writer(),
                     [&](Transaction& change) { EXPECT_TRUE(keep_report(change, bounce)); }));
  sent(2, noon + days(6));
  EXPECT_FALSE(weigh(sign(Weight::mailbox_point, noon + days(7))).listed.empty());
}

TEST_F(Weighing, EntriesLastLongerEachTime) {
  TimePoint at = noon;
  for (const int lasts : {180, 360, 720, 720}) {
    const auto weighed = weigh(sign(Weight::entry, at));
    ASSERT_FALSE(weighed.listed.empty());
    EXPECT_EQ(weighed.listed[0].expires_at, at + days(lasts));
    EXPECT_TRUE(listed(at + days(lasts - 1)));
    at += days(lasts);
    EXPECT_FALSE(listed(at)) << "then a mail tries whether the address lives";
  }
}

TEST_F(Weighing, AClearedAddressThatBouncesAgainIsListedForLonger) {
  weigh(sign(Weight::entry, noon));
  ASSERT_TRUE(change(store_.writer(), [](Transaction& change) {
    const Clearing clearing{"hanako@example.jp", {}, "she called", "sato", noon + days(1)};
    EXPECT_EQ(clear(change, clearing).size(), 1U);
  }));
  EXPECT_EQ(weigh(sign(Weight::entry, noon + days(2))).listed[0].expires_at, noon + days(362));
}

TEST_F(Weighing, TwoShopsMakeAnEntryForAllOneShopTwiceDoesNot) {
  EXPECT_EQ(weigh(sign(Weight::entry, noon)).listed.size(), 1U);
  EXPECT_EQ(weigh(sign(Weight::entry, noon + days(1))).listed.size(), 1U);
  EXPECT_FALSE(listed(noon + days(2), "shop-c"));
  const auto weighed = weigh(sign(Weight::entry, noon + days(2), "domain", "shop-b"));
  ASSERT_EQ(weighed.listed.size(), 2U);
  EXPECT_EQ(weighed.listed[1].shop, "");
  EXPECT_TRUE(listed(noon + days(3), "shop-c"));
}

TEST_F(Weighing, TwoShopsTooFarApartStayApart) {
  weigh(sign(Weight::entry, noon));
  EXPECT_EQ(weigh(sign(Weight::entry, noon + days(31), "hard", "shop-b")).listed.size(), 1U);
}

TEST_F(Weighing, WhatSomebodyHasClearedIsNoProofForOtherShops) {
  weigh(sign(Weight::entry, noon));
  ASSERT_TRUE(change(store_.writer(), [](Transaction& change) {
    clear(change, Clearing{"hanako@example.jp", {}, "a wave", "sato", noon + hours(1)});
  }));
  EXPECT_EQ(weigh(sign(Weight::entry, noon + hours(2), "hard", "shop-b")).listed.size(), 1U);
}

TEST_F(Weighing, ComplaintsStayWithTheirShopAndDoNotEnd) {
  for (const char* shop : {"shop-a", "shop-b", "shop-c"}) {
    const auto weighed = weigh(sign(Weight::entry, noon, "complaint", shop));
    ASSERT_EQ(weighed.listed.size(), 1U);
    EXPECT_FALSE(weighed.listed[0].expires_at);
  }
  EXPECT_FALSE(listed(noon, "shop-d"));
}

}  // namespace
}  // namespace ecrelay::store

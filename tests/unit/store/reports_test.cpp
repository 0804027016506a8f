#include "store/reports.h"

#include <gtest/gtest.h>

#include "fixture.h"

namespace ecrelay::store {
namespace {

using records::State;

class Reports : public testing::Test {
 protected:
  Reports() {
    accept(store_.writer(), mail(1, 2));
    const auto sent = record(store_.writer(), outcome(id_of(1), 0, State::sent));
    EXPECT_TRUE(sent);
  }

  static records::Report bounce(std::uint32_t recipient = 0) {
    records::Report report;
    report.message = id_of(1);
    report.recipient = recipient;
    report.at = noon + std::chrono::minutes(5);
    report.kind = "dsn";
    report.action = "failed";
    report.status = "5.1.1";
    report.reply = "550";
    report.decision = "suppress";
    report.reason = "hard";
    report.text = "550 5.1.1 User unknown";
    return report;
  }

  /// Whether it was news; nothing when the book refused it.
  std::optional<bool> keep(const records::Report& report) {
    bool news = false;
    const auto done =
        change(store_.writer(), [&](Transaction& change) { news = keep_report(change, report); });
    return done ? std::optional(news) : std::nullopt;
  }

  TemporaryDirectory folder_;
  Store store_{settings(folder_.path())};
};

TEST_F(Reports, StandBesideTheStateAndTheChargeWhichDoNotChange) {
  EXPECT_EQ(keep(bounce()), true);
  const auto trace = Inquiry(store_.book()).trace(id_of(1));
  ASSERT_TRUE(trace);
  ASSERT_EQ(trace->reports.size(), 1U);
  EXPECT_EQ(trace->reports[0].text, "550 5.1.1 User unknown");
  EXPECT_EQ(trace->reports[0].at, noon + std::chrono::minutes(5));
  EXPECT_EQ(trace->recipients[0].state, State::sent);
  EXPECT_EQ(trace->ledger.size(), 1U);
  EXPECT_EQ(contradictions(store_.book()), "");
}

TEST_F(Reports, OfABounceCountOnceARecipientOnTheDayTheyCame) {
  const auto later = [&] {
    records::Usage all = Inquiry(store_.book()).accounts().ever();
    return all.bounced_later;
  };
  records::Report delayed = bounce();
  delayed.action = "delayed";
  delayed.decision = "ignore";
  EXPECT_EQ(keep(delayed), true);
  EXPECT_EQ(later(), 0) << "it may still arrive";
  EXPECT_EQ(keep(bounce(1)), true);
  EXPECT_EQ(later(), 0) << "was never sent, so it ends as it ends";
  records::Report next_day = bounce();
  next_day.at += std::chrono::days(1);
  EXPECT_EQ(keep(next_day), true);
  EXPECT_EQ(later(), 1);
  records::Report in_other_words = bounce();
  in_other_words.reason = "policy";
  EXPECT_EQ(keep(in_other_words), true);
  EXPECT_EQ(later(), 1) << "the same mail bounced";
  UsageQuery query;
  query.from = query.to = billing_day(next_day.at);
  EXPECT_EQ(Inquiry(store_.book()).total(query).bounced_later, 1);
  EXPECT_EQ(Inquiry(store_.book()).accounts().ever().charges, 1) << "it stays charged";
  EXPECT_EQ(contradictions(store_.book()), "");
}

TEST_F(Reports, ThatOvertakeTheReplyCountWhenTheMailIsSent) {
  EXPECT_EQ(keep(bounce(1)), true);
  const auto sent = record(store_.writer(), outcome(id_of(1), 1, State::sent));
  EXPECT_TRUE(sent);
  EXPECT_EQ(Inquiry(store_.book()).accounts().ever().bounced_later, 1);
  EXPECT_EQ(contradictions(store_.book()), "");
}

TEST_F(Reports, OnOurOwnReportsCountForNoShop) {
  Acceptance own = mail(3);
  own.message.kind = records::Kind::report;
  accept(store_.writer(), own);
  const auto sent = record(store_.writer(), outcome(id_of(3), 0, State::sent));
  EXPECT_TRUE(sent);
  records::Report report = bounce();
  report.message = id_of(3);
  EXPECT_EQ(keep(report), true);
  EXPECT_EQ(Inquiry(store_.book()).accounts().ever().bounced_later, 0);
  EXPECT_EQ(contradictions(store_.book()), "");
}

TEST_F(Reports, ReplayedTheyAreNoNews) {
  EXPECT_EQ(keep(bounce()), true);
  records::Report replayed = bounce();
  replayed.at += std::chrono::hours(1);
  EXPECT_EQ(keep(replayed), false);
  EXPECT_EQ(keep(bounce(1)), true) << "another recipient's is another report";
  EXPECT_EQ(Inquiry(store_.book()).trace(id_of(1))->reports.size(), 2U);
}

TEST_F(Reports, OfOneRecipientAreNotKeptWithoutEnd) {
  for (int i = 0; i < 30; ++i) {
    records::Report report = bounce();
    report.status = "5.1." + std::to_string(i);
    EXPECT_EQ(keep(report), i < 20) << i;
  }
  EXPECT_EQ(Inquiry(store_.book()).trace(id_of(1))->reports.size(), 20U);
}

TEST_F(Reports, NeedARecipientThatTheMessageHas) {
  EXPECT_EQ(keep(bounce(2)), std::nullopt);
  records::Report other = bounce();
  other.message = id_of(2);
  EXPECT_EQ(keep(other), std::nullopt);
}

TEST_F(Reports, FindTheirAddressee) {
  Inquiry inquiry(store_.book());
  const auto found = inquiry.addressee(id_of(1), 1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->shop, "shop-a");
  EXPECT_FALSE(inquiry.addressee(id_of(1), 2));
  EXPECT_FALSE(inquiry.addressee(id_of(9), 0));
}

// --- what a report says of a domain, beside what DNS says of it -----------------------------

class DeadDomain : public Reports {
 protected:
  /// What came of a report about recipient 0; each says something new.
  Weighed heard(TimePoint at, records::Weight weight, const std::string& reason,
                std::optional<bool> dead) {
    Returned returned;
    returned.report = bounce();
    returned.report.at = at;
    returned.report.reply = std::to_string(550 + ++said_);
    records::Sign sign;
    sign.weight = weight;
    sign.entry.shop = "shop-a";
    sign.entry.key = sign.entry.address = "user0@example.jp";
    sign.entry.reason = reason;
    sign.entry.since = at;
    sign.entry.evidence = "said";
    sign.entry.actor = "relay";
    returned.sign = sign;
    returned.domain_dead = dead;
    Kept kept;
    EXPECT_TRUE(change(store_.writer(), [&](Transaction& change) {
      kept = store::keep(change, returned, records::ListRules());
    }));
    EXPECT_TRUE(kept.news);
    return kept.weighed;
  }

  int said_ = 0;
};

TEST_F(DeadDomain, IsBelievedUnlessDnsHasIt) {
  EXPECT_TRUE(heard(noon, records::Weight::entry, "domain", false).listed.empty());
  EXPECT_EQ(heard(noon, records::Weight::entry, "domain", std::nullopt).listed.size(), 1U);
  EXPECT_EQ(heard(noon, records::Weight::entry, "domain", true).listed[0].reason, "domain");
  EXPECT_EQ(heard(noon, records::Weight::entry, "hard", false).listed.size(), 1U)
      << "that is about the mailbox";
}

TEST_F(DeadDomain, IsListedWhenItWasMissingTwiceADayApart) {
  const auto point = records::Weight::delivery_point;
  using std::chrono::hours;
  EXPECT_TRUE(heard(noon, point, "expired", true).listed.empty());
  EXPECT_TRUE(heard(noon + hours(23), point, "expired", true).listed.empty());
  const auto listed = heard(noon + hours(24), point, "expired", true).listed;
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].reason, "domain");
  EXPECT_EQ(listed[0].expires_at, noon + hours(24 + 24 * 30));
  EXPECT_NE(listed[0].evidence.find("no such domain since 2025-11-23"), std::string::npos);
}

TEST_F(DeadDomain, ThatWasThereInBetweenBeginsAnew) {
  const auto point = records::Weight::delivery_point;
  using std::chrono::hours;
  heard(noon, point, "expired", true);
  heard(noon + hours(12), point, "expired", false);
  EXPECT_TRUE(heard(noon + hours(25), point, "expired", true).listed.empty());
}

}  // namespace
}  // namespace ecrelay::store

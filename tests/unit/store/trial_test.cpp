#include "store/trial.h"

#include <gtest/gtest.h>

#include "fixture.h"
#include "store/reports.h"
#include "store/suppression.h"
#include "store/weighing.h"

namespace ecrelay::store {
namespace {

using records::Sign;
using records::State;
using records::Weight;
using std::chrono::days;
using std::chrono::hours;

constexpr const char* hanako = "hanako@example.jp";

/// Months of one address: what comes back about it, and the mail that is sent to it.
class Months : public testing::Test {
 protected:
  Months() { reopen(); }

  void reopen() {
    store_.reset();
    Store::Settings with = settings(folder_.path());
    with.writer.list_rules = rules_;
    store_ = std::make_unique<Store>(std::move(with));
    index_ = std::make_unique<SuppressionIndex>(store_->book());
  }

  std::vector<records::SuppressionEntry> bad_news(TimePoint at, const std::string& shop = "shop-a",
                                                  const std::string& reason = "hard",
                                                  const std::optional<Ulid>& about = {},
                                                  Weight weight = Weight::entry) {
    Sign sign;
    sign.weight = weight;
    sign.entry.shop = shop;
    sign.entry.key = sign.entry.address = hanako;
    sign.entry.reason = reason;
    sign.entry.since = at;
    sign.entry.evidence = "550 5.1.1 unknown";
    sign.entry.actor = "relay";
    sign.entry.message = about;
    Weighed weighed;
    EXPECT_TRUE(change(store_->writer(),
                       [&](Transaction& change) { weighed = weigh(change, sign, rules_); }));
    return weighed.listed;
  }

  bool blocked(TimePoint at, const std::string& shop = "shop-a") {
    return index_->find(shop, hanako, at).value().has_value();
  }

  struct Mailed {
    Ulid id;
    bool held_back = false;
  };
  /// A mail to hanako that was accepted at `at`, as if it had been let through at RCPT.
  Mailed mail_to_her(TimePoint at, const std::string& shop = "shop-a") {
    Acceptance mail = store::mail(++mails_);
    mail.message.shop = shop;
    mail.message.accepted_at = at;
    mail.recipients[0].key = mail.recipients[0].address = hanako;
    const Ulid id = mail.message.id;
    const auto stored = std::get<Stored>(accept(store_->writer(), std::move(mail)));
    return {id, !stored.held_back.empty()};
  }
  void ends(const Ulid& id, State state, TimePoint at) {
    EXPECT_TRUE(record(store_->writer(), outcome(id, 0, state, at)));
  }
  void reported(const Ulid& id, TimePoint at, const std::string& decision) {
    records::Report report;
    report.message = id;
    report.at = at;
    report.action = "failed";
    report.decision = decision;
    ASSERT_TRUE(change(store_->writer(),
                       [&](Transaction& change) { EXPECT_TRUE(keep_report(change, report)); }));
  }
  std::size_t cleared(const Clearing& clearing, bool (*wanted)(std::string_view) = nullptr) {
    std::size_t count = 0;
    EXPECT_TRUE(change(store_->writer(), [&](Transaction& change) {
      count = clear(change, clearing, wanted).size();
    }));
    return count;
  }
  std::vector<std::string> events() {
    std::vector<std::string> events;
    for (const auto& each : Inquiry(store_->book()).suppression_history(hanako, 100))
      events.insert(events.begin(), each.event);
    return events;
  }

  records::ListRules rules_;
  TemporaryDirectory folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<SuppressionIndex> index_;
  unsigned mails_ = 0;
};

TEST_F(Months, OneMessageTriesAndAllOthersAreHeldBackUntilItIsKnown) {
  bad_news(noon);
  const TimePoint later = noon + days(180);
  EXPECT_FALSE(blocked(later)) << "somebody may try";
  const Mailed trial = mail_to_her(later);
  EXPECT_FALSE(trial.held_back);
  EXPECT_TRUE(blocked(later)) << "and nobody else";
  EXPECT_TRUE(mail_to_her(later).held_back) << "not even who was let through at RCPT before";
  EXPECT_FALSE(index_->find("shop-a", hanako, later, trial.id).value()) << "but the trial itself";
  reopen();
  EXPECT_TRUE(blocked(later + hours(1))) << "a restart forgets nothing";
  ends(trial.id, State::sent, later + hours(2));
  EXPECT_TRUE(blocked(later + days(3))) << "a 250 is no proof: reports may still come";
  EXPECT_TRUE(mail_to_her(later + days(3)).held_back);
  const TimePoint quiet = later + hours(2) + days(3);
  EXPECT_FALSE(blocked(quiet));
  EXPECT_FALSE(mail_to_her(quiet).held_back);
  EXPECT_FALSE(mail_to_her(quiet).held_back) << "she lives: all mail goes";
  EXPECT_EQ(events(), (std::vector<std::string>{"added", "lapsed"}));
}

TEST_F(Months, RulesThatChangeMeanwhileHoldForTheNextMessage) {
  bad_news(noon);
  const TimePoint later = noon + days(180);
  ends(mail_to_her(later).id, State::sent, later + hours(2));
  ASSERT_TRUE(blocked(later + days(1)));
  ASSERT_TRUE(mail_to_her(later + days(1)).held_back);
  records::ListRules rules = rules_;
  rules.quiet_after_delivery = hours(1);
  store_->writer().set_list_rules(rules);
  index_->set_quiet(rules.quiet_after_delivery);
  EXPECT_FALSE(blocked(later + days(1)));
  EXPECT_FALSE(mail_to_her(later + days(1)).held_back);
}

TEST_F(Months, AFailedTrialListsForLongerEachTime) {
  TimePoint at = noon;
  bad_news(at);
  for (const int lasts : {180, 360, 720, 720}) {
    at += days(lasts);
    const Mailed trial = mail_to_her(at);
    ASSERT_FALSE(trial.held_back) << lasts;
    ends(trial.id, State::sent, at);
    reported(trial.id, at + hours(1), "suppress");
    const auto listed = bad_news(at + hours(1), "shop-a", "hard", trial.id);
    ASSERT_EQ(listed.size(), 1U) << lasts;
    at += hours(1);
    EXPECT_EQ(listed[0].expires_at, at + days(std::min(lasts * 2, 720)));
  }
}

TEST_F(Months, APointAboutTheTrialIsEnoughToRenewTheEntry) {
  bad_news(noon);
  const TimePoint later = noon + days(200);
  const Mailed trial = mail_to_her(later);
  ends(trial.id, State::sent, later);
  const auto listed =
      bad_news(later + hours(1), "shop-a", "disabled", trial.id, Weight::mailbox_point);
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].reason, "hard");
  EXPECT_EQ(listed[0].expires_at, later + hours(1) + days(360));
}

TEST_F(Months, ATrialThatToldNothingLetsTheNextOneTry) {
  bad_news(noon);
  TimePoint later = noon + days(180);
  for (const State state : {State::bounced, State::expired, State::cancelled}) {
    const Mailed trial = mail_to_her(later);
    EXPECT_FALSE(trial.held_back);
    ends(trial.id, state, later);  // for a reason that was not hers
    EXPECT_FALSE(blocked(later));
    later += hours(1);
  }
  const Mailed refused = mail_to_her(later);
  ends(refused.id, State::sent, later);
  reported(refused.id, later, "ignore");
  EXPECT_FALSE(blocked(later + hours(1))) << "our reputation, say: ask again";
}

TEST_F(Months, ATrialOfTheOperatorsEntryIsOneForAllShops) {
  bad_news(noon, "shop-a");
  bad_news(noon, "shop-b");
  const TimePoint later = noon + days(180);
  const Mailed trial = mail_to_her(later, "shop-c");
  EXPECT_FALSE(trial.held_back);
  EXPECT_TRUE(mail_to_her(later, "shop-a").held_back);
  EXPECT_TRUE(mail_to_her(later, "shop-d").held_back);
  ends(trial.id, State::bounced, later);
  const auto listed = bad_news(later, "shop-c", "hard", trial.id);
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed[0].shop, "");
  EXPECT_EQ(listed[0].expires_at, later + days(360));
  EXPECT_EQ(listed[1].shop, "shop-c");
  EXPECT_EQ(listed[1].expires_at, later + days(180));
}

TEST_F(Months, WhatAPersonListedForATimeIsTriedByNobody) {
  records::SuppressionEntry manual;
  manual.shop = "shop-a";
  manual.key = manual.address = hanako;
  manual.reason = "manual";
  manual.since = noon;
  manual.expires_at = noon + days(1);
  ASSERT_TRUE(change(store_->writer(), [&](Transaction& change) { suppress(change, manual); }));
  EXPECT_FALSE(mail_to_her(noon + days(1)).held_back);
  EXPECT_FALSE(mail_to_her(noon + days(1)).held_back);
}

TEST_F(Months, SandboxedMailTriesNothing) {
  bad_news(noon);
  Acceptance mail = store::mail(99);
  mail.message.accepted_at = noon + days(180);
  mail.recipients[0].key = hanako;
  mail.recipients[0].state = State::sandboxed;
  accept(store_->writer(), std::move(mail));
  EXPECT_FALSE(blocked(noon + days(180)));
}

TEST_F(Months, AComplaintOutweighsAllAndIsNotOutlived) {
  bad_news(noon, "shop-a", "hard");
  bad_news(noon + days(1), "shop-a", "unsubscribe");
  bad_news(noon + days(2), "shop-a", "complaint");
  bad_news(noon + days(3), "shop-a", "unsubscribe");
  bad_news(noon + days(4), "shop-a", "hard");
  bad_news(noon + days(4), "shop-b", "complaint");
  EXPECT_EQ(index_->find("shop-a", hanako, noon + days(5000)).value()->reason, "complaint");
  EXPECT_FALSE(blocked(noon + days(5), "shop-c")) << "complaints never spread";
}

TEST_F(Months, SomebodyMayLiftAnEntryForATime) {
  bad_news(noon);
  const TimePoint until = noon + days(31);
  EXPECT_EQ(cleared(Clearing{hanako, {}, "she called", "sato", noon + days(1), until}), 1U);
  EXPECT_FALSE(blocked(noon + days(2)));
  EXPECT_TRUE(blocked(until)) << "it holds again by itself";
  const auto listed = bad_news(noon + days(10));
  EXPECT_EQ(listed[0].expires_at, noon + days(370)) << "and a bounce ends the lifting, for longer";
  EXPECT_TRUE(blocked(noon + days(11)));
}

TEST_F(Months, AComplaintStaysWhereOthersAreCleared) {
  bad_news(noon, "shop-a", "complaint");
  bad_news(noon, "shop-b", "hard");
  EXPECT_EQ(cleared(Clearing{hanako, {}, "she called", "sato", noon + days(1)},
                    [](std::string_view reason) { return reason != "complaint"; }),
            1U);
  EXPECT_TRUE(blocked(noon + days(2)));
  EXPECT_FALSE(blocked(noon + days(2), "shop-b"));
}

TEST_F(Months, ClearingsAreCounted) {
  for (int month = 0; month < 3; ++month) {
    bad_news(noon + days(30 * month));
    cleared(Clearing{hanako, {}, "she called", "sato", noon + days(30 * month + 1)});
  }
  Inquiry inquiry(store_->book());
  EXPECT_EQ(inquiry.clearings_since(hanako, noon), 3);
  EXPECT_EQ(inquiry.clearings_since(hanako, noon + days(2)), 2);
}

TEST_F(Months, ADryRunDecidesShowsAndHoldsNobodyBack) {
  rules_.dry_run = true;
  bad_news(noon, "shop-a");
  EXPECT_EQ(bad_news(noon + days(1), "shop-b").size(), 2U);
  EXPECT_FALSE(blocked(noon + days(2)));
  EXPECT_FALSE(mail_to_her(noon + days(2)).held_back);
  const auto entries = Inquiry(store_->book()).suppressions(hanako);
  ASSERT_EQ(entries.size(), 3U);
  for (const auto& entry : entries) EXPECT_TRUE(entry.dry_run);
  rules_.dry_run = false;
  EXPECT_EQ(bad_news(noon + days(3), "shop-a")[0].expires_at, noon + days(183));
  EXPECT_TRUE(blocked(noon + days(4)));
}

}  // namespace
}  // namespace ecrelay::store

#include <gtest/gtest.h>

#include "fixture.h"
#include "store/parked.h"
#include "store/reports.h"
#include "store/schema.h"
#include "store/weighing.h"

// Waves of "user unknown": Gmail, 14 and 15 December 2020.
namespace ecrelay::store {
namespace {

using records::ListRules;
using records::Sign;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

constexpr Duration slot = minutes(5);

class Waves : public testing::Test {
 protected:
  /// Recipients that became final.
  void finals(std::int64_t count, TimePoint at, const std::string& domain = "gmail.com") {
    ASSERT_TRUE(change(store_.writer(), [&](Transaction& change) {
      count_finals(change, domain, at, count, rules_);
    }));
  }

  static Sign dead_user(int n, TimePoint at, const std::string& domain = "gmail.com") {
    return unknown_user("dead" + std::to_string(n) + "@" + domain, at);
  }

  Weighed weigh(const Sign& sign) {
    Weighed weighed;
    EXPECT_TRUE(change(store_.writer(),
                       [&](Transaction& change) { weighed = store::weigh(change, sign, rules_); }));
    if (weighed.wave.news) told_.push_back(weighed.wave);
    return weighed;
  }

  /// Refused in the session.
  Weighed unknown(int n, TimePoint at, const std::string& domain = "gmail.com") {
    return weigh(dead_user(n, at, domain));
  }

  /// Told of by a report about a mail that was sent before.
  Weighed reported(int n, TimePoint sent, TimePoint at) {
    Sign sign = dead_user(n, at);
    sign.sent = sent;
    return weigh(sign);
  }

  std::vector<records::SuppressionEntry> take() {
    std::vector<records::SuppressionEntry> taken;
    EXPECT_TRUE(change(store_.writer(), [&](Transaction& change) {
      taken = take_parked(change, "gmail.com", 1000);
    }));
    return taken;
  }

  ListRules rules_;
  std::vector<Wave> told_;
  TemporaryDirectory folder_;
  Store store_{settings(folder_.path())};
};

TEST_F(Waves, FarTooManyUnknownUsersAtOnceAreParkedAndStayUntilSomebodyLooks) {
  finals(60, noon);
  int parked = 0;
  for (int n = 0; n < 30; ++n) parked += unknown(n, noon).parked;
  // 20 % of 60 are 12: the thirteenth is one too many.
  EXPECT_EQ(parked, 18);
  EXPECT_TRUE(unknown(99, noon + days(1)).parked) << "nobody has looked yet";
  EXPECT_FALSE(unknown(1, noon, "example.jp").parked) << "another domain";
  Sign complaint = dead_user(100, noon);
  complaint.entry.reason = "complaint";
  EXPECT_FALSE(weigh(complaint).parked);
  EXPECT_EQ(told_.size(), 1U);
  const auto taken = take();
  ASSERT_EQ(taken.size(), 19U);
  EXPECT_EQ(taken[0].key, "dead12@gmail.com");
  EXPECT_EQ(taken[0].evidence, "550 5.1.1 unknown");
  EXPECT_EQ(taken[0].expires_at, noon + days(180));
  EXPECT_FALSE(unknown(98, noon + days(2)).parked);
}

TEST_F(Waves, AUsualShareOfUnknownUsersIsNone) {
  finals(200, noon);
  for (int n = 0; n < 40; ++n) EXPECT_FALSE(unknown(n, noon).parked) << n;
}

TEST_F(Waves, FewRecipientsAreNoWave) {
  finals(20, noon);
  for (int n = 0; n < 20; ++n) EXPECT_FALSE(unknown(n, noon).parked) << n;
}

TEST_F(Waves, ADomainThatIsAlwaysSoIsNoWave) {
  rules_.wave_window = days(1);
  finals(60, noon);
  for (int day = 1; day <= 29; ++day) {
    for (int n = 0; n < 10; ++n) unknown(day * 100 + n, noon - days(day));
  }
  for (int n = 0; n < 30; ++n) EXPECT_FALSE(unknown(n, noon).parked) << n;
}

// --- reports that come later ---------------------------------------------------------------

TEST_F(Waves, ReportsLongAfterTheMailAreHeldAgainstWhatWasSentWithIt) {
  finals(60, noon);
  int parked = 0;
  for (int n = 0; n < 30; ++n) parked += reported(n, noon, noon + hours(2)).parked;
  EXPECT_EQ(parked, 18);
  ASSERT_EQ(told_.size(), 1U) << "once";
  EXPECT_EQ(told_[0].domain, "gmail.com");
  EXPECT_EQ(told_[0].unknown, 13);
  EXPECT_EQ(told_[0].finals, 60);
  EXPECT_TRUE(unknown(99, noon + hours(3)).parked) << "nobody has looked yet";
  EXPECT_EQ(take().size(), 19U);
}

TEST_F(Waves, ReportsThatTrickleInAllDayAreOneWave) {
  finals(30, noon);
  finals(30, noon + minutes(20));
  int parked = 0;
  for (int n = 0; n < 30; ++n) {
    const TimePoint sent = noon + minutes(n % 2 == 0 ? 0 : 20);
    parked += reported(n, sent, noon + hours(n + 1)).parked;
  }
  EXPECT_EQ(parked, 18);
  EXPECT_EQ(told_.size(), 1U);
}

TEST_F(Waves, WhatIsRefusedAtOnceAndWhatComesBackAddUp) {
  finals(60, noon);
  for (int n = 0; n < 8; ++n) EXPECT_FALSE(unknown(n, noon).parked);
  for (int n = 8; n < 12; ++n) EXPECT_FALSE(reported(n, noon, noon + hours(2)).parked);
  EXPECT_TRUE(reported(12, noon, noon + hours(2)).parked);
}

TEST_F(Waves, AfterTheProvidersBadDayIsDroppedTheRestOfItsReportsIsParkedToo) {
  finals(60, noon);
  for (int n = 0; n < 20; ++n) reported(n, noon, noon + hours(2));
  EXPECT_EQ(take().size(), 8U);
  EXPECT_TRUE(reported(20, noon, noon + hours(4)).parked);
  EXPECT_EQ(take().size(), 1U);
  EXPECT_FALSE(unknown(99, noon + hours(4)).parked) << "of another time";
}

TEST_F(Waves, AFewDeadOfAHugeCampaignAreNoneWhateverElseIsSentMeanwhile) {
  finals(100'000, noon);
  finals(60, noon + hours(2));  // a receipt a minute
  ASSERT_TRUE(change(store_.writer(), [&](Transaction& change) {
    for (int n = 0; n < 500; ++n) {
      Sign sign = dead_user(n, noon + hours(2) + n * std::chrono::seconds(7));
      sign.sent = noon;
      EXPECT_FALSE(store::weigh(change, sign, rules_).parked) << n;
    }
  }));
  EXPECT_FALSE(unknown(999, noon + hours(3) - minutes(1)).parked) << "the next receipt";
}

TEST_F(Waves, ReportsAboutMailOfManyHoursAreHeldAgainstTheHourInWhichTheyCome) {
  for (int hour = 2; hour < 32; ++hour) finals(1, noon - hours(hour));
  finals(60, noon);
  int parked = 0;
  for (int n = 2; n < 32; ++n) parked += reported(n, noon - hours(n), noon).parked;
  EXPECT_EQ(parked, 18);
}

TEST_F(Waves, ADomainOfWhichAlwaysAsManyComeBackIsNone) {
  rules_.wave_window = days(1);
  for (int day = 29; day > 0; --day) {
    finals(20, noon - days(day));
    for (int n = 0; n < 10; ++n)
      EXPECT_FALSE(reported(day * 100 + n, noon - days(day), noon - days(day) + hours(2)).parked);
  }
  finals(60, noon);
  for (int n = 0; n < 30; ++n) EXPECT_FALSE(reported(n, noon, noon + hours(2)).parked) << n;
}

TEST_F(Waves, FinalsAreKeptAsLongAsReportsLeadBackToThemAndNoLonger) {
  finals(60, noon);
  for (int n = 0; n < 20; ++n) finals(1, noon + hours(47) + n * slot, "example.jp");
  int parked = 0;
  for (int n = 0; n < 13; ++n) parked += reported(n, noon, noon + hours(48)).parked;
  EXPECT_EQ(parked, 1);

  for (int n = 0; n < 20; ++n) finals(1, noon + hours(100) + n * slot, "example.jp");
  Connection book(store_.book(), Access::read, Duration(1000));
  Rows left = book.query("SELECT count(*), sum(unknown + gone) FROM destination WHERE slot < ?",
                         (noon + hours(100)).time_since_epoch() / slot);
  ASSERT_TRUE(left.next());
  EXPECT_EQ(left.integer(), 1) << "what a wave is compared with stays";
  EXPECT_EQ(left.integer(), 13);
}

TEST_F(Waves, AReportOfThreeDaysLaterLeadsBackToNothing) {
  finals(60, noon);
  for (int n = 0; n < 30; ++n) EXPECT_FALSE(reported(n, noon, noon + days(3)).parked) << n;
}

TEST_F(Waves, TheBookKnowsWhenTheMailOfAReportWasSent) {
  Acceptance mail = store::mail(1, 60);
  Outcome done = outcome(mail.message.id, 0, records::State::sent, noon);
  for (unsigned n = 1; n < 60; ++n) {
    done.recipients.push_back(done.recipients[0]);
    done.recipients.back().n = n;
  }
  accept(store_.writer(), std::move(mail));
  ASSERT_TRUE(record(store_.writer(), done));
  int parked = 0;
  for (int n = 0; n < 30; ++n) {
    Returned returned;
    returned.report.message = id_of(1);
    returned.report.recipient = static_cast<std::uint32_t>(n);
    returned.report.at = noon + hours(2);
    returned.report.action = "failed";
    returned.sign = dead_user(n, returned.report.at, "example.jp");
    Kept kept;
    ASSERT_TRUE(change(store_.writer(),
                       [&](Transaction& change) { kept = keep(change, returned, rules_); }));
    EXPECT_TRUE(kept.news);
    parked += kept.weighed.parked;
  }
  EXPECT_EQ(parked, 18);
}

TEST(Schema, ABookFromBeforeTakesUnknownUsersForThoseOfMailJustSent) {
  TemporaryDirectory directory;
  Connection book(directory.path() + "/book.db", Access::write, Duration(1000));
  migrate(book, 12);
  book.script(
      "INSERT INTO destination (domain, slot, finals, unknown) VALUES ('gmail.com', 1, 60, 13),"
      " ('gmail.com', 2, 5, 0)");
  migrate(book);
  Rows rows = book.query("SELECT gone FROM destination ORDER BY slot");
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(rows.integer(), 13);
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(rows.integer(), 0);
}

}  // namespace
}  // namespace ecrelay::store

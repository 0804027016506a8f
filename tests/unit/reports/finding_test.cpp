#include "reports/finding.h"

#include <gtest/gtest.h>

namespace ecrelay::reports {
namespace {

constexpr TimePoint at{Duration(1'763'874'000'000)};

Subject subject() {
  return {{*Ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV"), 3},
          {"shop-a", "\"a..b\"@docomo.ne.jp", "a..b@docomo.ne.jp"}};
}

mail::Reported failed(const std::string& recipient, const std::string& status,
                      const std::string& text) {
  mail::Reported result;
  result.recipient = recipient;
  result.action = "failed";
  result.status = status;
  result.reply = "550";
  result.diagnostic = text;
  return result;
}

mail::Report dsn(std::vector<mail::Reported> results) {
  mail::Report report;
  report.kind = mail::ReportKind::dsn;
  report.results = std::move(results);
  return report;
}

TEST(Finding, AnUnknownUserBecomesAnEntryWithItsEvidence) {
  const Finding finding = finding_of(
      dsn({failed("a..b@docomo.ne.jp", "5.1.1", "550 5.1.1\n Unknown   user")}), subject(), at);
  EXPECT_EQ(finding.report.message, subject().path.message);
  EXPECT_EQ(finding.report.recipient, 3U);
  EXPECT_EQ(finding.report.decision, "suppress");
  ASSERT_TRUE(finding.sign);
  EXPECT_EQ(finding.sign->entry.key, "a..b@docomo.ne.jp");
  EXPECT_EQ(finding.sign->entry.shop, "shop-a");
  EXPECT_EQ(finding.sign->entry.reason, "hard");
  EXPECT_EQ(finding.sign->entry.evidence, "report (dsn): 550 5.1.1 Unknown user");
  EXPECT_EQ(finding.sign->weight, records::Weight::entry);
  EXPECT_EQ(finding.sign->entry.message, subject().path.message);
}

TEST(Finding, OfSeveralResultsTheOneAboutThisRecipientCounts) {
  const Finding finding = finding_of(dsn({failed("x@y.jp", "5.7.1", "blocked"),
                                          failed("\"A..B\"@docomo.ne.jp", "5.1.1", "unknown user"),
                                          failed("z@y.jp", "5.2.2", "full")}),
                                     subject(), at);
  EXPECT_EQ(finding.report.status, "5.1.1");
  EXPECT_TRUE(finding.sign);
}

TEST(Finding, WhereNoneIsAboutThisRecipientTheLeastEffectCounts) {
  const Finding finding = finding_of(
      dsn({failed("x@y.jp", "5.1.1", "unknown user"), failed("z@y.jp", "5.2.2", "mailbox full")}),
      subject(), at);
  EXPECT_EQ(finding.report.decision, "count");
  ASSERT_TRUE(finding.sign);
  EXPECT_EQ(finding.sign->weight, records::Weight::delivery_point);
}

TEST(Finding, TheOnlyResultIsAboutThisRecipientWhateverItNames) {
  EXPECT_TRUE(
      finding_of(dsn({failed("forwarded@x.jp", "5.1.1", "unknown user")}), subject(), at).sign);
}

TEST(Finding, AComplaintHasNoEnd) {
  mail::Report report;
  report.kind = mail::ReportKind::arf;
  report.feedback_type = "abuse";
  report.results.emplace_back();
  const Finding finding = finding_of(report, subject(), at);
  ASSERT_TRUE(finding.sign);
  EXPECT_EQ(finding.sign->entry.reason, "complaint");
  EXPECT_FALSE(finding.sign->entry.expires_at);
  EXPECT_EQ(finding.sign->entry.key, subject().addressee.key) << "also where it hides the address";
}

TEST(Finding, WhatCannotBeReadMeansNothingAndIsKept) {
  mail::Report report;
  report.words = "hello\n there";
  const Finding finding = finding_of(report, subject(), at);
  EXPECT_EQ(finding.report.kind, "unreadable");
  EXPECT_EQ(finding.report.decision, "none");
  EXPECT_EQ(finding.report.text, "hello there");
  EXPECT_FALSE(finding.sign);
}

}  // namespace
}  // namespace ecrelay::reports

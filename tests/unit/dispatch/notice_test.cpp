#include "dispatch/notice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ecrelay::dispatch {
namespace {

using namespace std::chrono_literals;
using smtp::Origin;
using smtp::Reply;
using smtp::Stage;
using testing::HasSubstr;
using testing::Not;

const TimePoint noon{Duration(1'800'000'000'000)};
const Ulid report_id(noon, {9});

Job job() {
  Job job;
  job.id = Ulid(noon - 5h, {7});
  job.shop = "shop-a";
  job.sender = "info@shop-a.example";
  job.message_id = "<order-1@shop-a.example>";
  job.accepted_at = noon - 5h;
  job.expires_at = job.accepted_at + 48h;
  for (std::uint32_t n = 0; n < 2; ++n) {
    Job::Recipient recipient;
    recipient.n = n;
    recipient.address = "taro" + std::to_string(n) + "@customer.example";
    recipient.key = recipient.address;
    job.recipients.push_back(recipient);
  }
  job.head = "From: info@shop-a.example\r\nSubject: order\r\n\r\n";
  job.body = std::make_shared<const std::string>("secret body\r\n");
  return job;
}

smtp::RecipientResult result(Stage stage, Reply reply, Origin origin = Origin::peer) {
  smtp::RecipientResult each;
  each.stage = stage;
  each.reply = std::move(reply);
  each.origin = origin;
  return each;
}

const smtp::RecipientResult unknown = result(Stage::rcpt, Reply(550, "5.1.1", "unknown user"));
const smtp::RecipientResult later = result(Stage::rcpt, Reply(450, "4.2.0", "later"));
const smtp::RecipientResult taken = result(Stage::dot, Reply(250, "2.0.0", "ok"));

Rules rules() {
  using namespace std::chrono;
  const policy::Price price{2024y / 7 / 1, Money::milli_yen(100), policy::Unit::message};
  Rules rules{policy::RetryPlan{{60s, 300s}, 48h},
              *policy::PriceBook::build({price}, {}),
              4h,
              "relay.example.jp",
              {}};
  return rules;
}

/// The attempt's conclusion with what the sender is told.
Conclusion told(const Job& job, const std::vector<smtp::RecipientResult>& results,
                const Rules& rules) {
  Attempted attempted;
  attempted.upstream = "second";
  attempted.server_host = "smtp.example.net";
  attempted.at = noon;
  Conclusion conclusion = conclude(job, results, attempted, rules, 0);
  add_report(job, attempted, rules, report_id, conclusion);
  return conclusion;
}

TEST(Notice, TellsTheSenderByTheSameUpstreamWhatFailed) {
  const Conclusion conclusion = told(job(), {unknown, taken}, rules());
  ASSERT_TRUE(conclusion.outcome.report);
  const store::Acceptance& report = *conclusion.outcome.report;
  EXPECT_EQ(report.message.kind, records::Kind::report);
  EXPECT_EQ(report.message.sender, "");
  EXPECT_EQ(report.message.shop, "shop-a");
  EXPECT_EQ(report.message.upstream, "second");
  ASSERT_EQ(report.recipients.size(), 1U);
  EXPECT_EQ(report.recipients[0].address, "info@shop-a.example");
  EXPECT_THAT(*report.body, HasSubstr("taro0@customer.example"));
  EXPECT_THAT(*report.body, HasSubstr("Diagnostic-Code: smtp; 550 5.1.1 unknown user"));
  EXPECT_THAT(*report.body, Not(HasSubstr("taro1@"))) << "nothing is told of who got it";
  EXPECT_THAT(*report.body, Not(HasSubstr("secret body")));
}

TEST(Notice, NeverAnswersAReportNorTheNullSender) {
  Job ours = job();
  ours.kind = records::Kind::report;
  EXPECT_FALSE(told(ours, {unknown, unknown}, rules()).outcome.report);
  Job nobodys = job();
  nobodys.sender = "";
  EXPECT_FALSE(told(nobodys, {unknown, unknown}, rules()).outcome.report);
}

TEST(Notice, IsNotForShopsThatWantNone) {
  Rules quiet = rules();
  quiet.shops["shop-a"].failure_reports = false;
  EXPECT_FALSE(told(job(), {unknown, later}, quiet).outcome.report);
}

TEST(Notice, SaysOnceThatAMessageIsLate) {
  const Conclusion conclusion = told(job(), {later, later}, rules());
  ASSERT_TRUE(conclusion.outcome.report);
  EXPECT_THAT(*conclusion.outcome.report->body, HasSubstr("Action: delayed"));
  EXPECT_TRUE(conclusion.outcome.recipients[0].warned);
  Job warned = job();
  for (Job::Recipient& each : warned.recipients) each.warned = true;
  EXPECT_FALSE(told(warned, {later, later}, rules()).outcome.report);
}

TEST(Notice, SaysNothingOfLatenessBeforeItsTimeOrWhereNobodyAsked) {
  Job young = job();
  young.accepted_at = noon - 3h;
  EXPECT_FALSE(told(young, {later, later}, rules()).outcome.report);
  Rules unasked = rules();
  unasked.delay_warning.reset();
  EXPECT_FALSE(told(job(), {later, later}, unasked).outcome.report);
}

TEST(Notice, OfAFailureLeavesTheWarningOfOthersForTheirNextAttempt) {
  const Conclusion conclusion = told(job(), {unknown, later}, rules());
  ASSERT_TRUE(conclusion.outcome.report);
  EXPECT_THAT(*conclusion.outcome.report->body, Not(HasSubstr("taro1@")));
  EXPECT_FALSE(conclusion.outcome.recipients[1].warned);
}

TEST(Notice, OfExpirySaysThatTimeIsOver) {
  Job old = job();
  old.accepted_at = noon - 49h;
  old.expires_at = noon - 1h;
  for (Job::Recipient& each : old.recipients) each.attempts = 9;
  const Conclusion conclusion = told(old, {later, later}, rules());
  ASSERT_TRUE(conclusion.outcome.report);
  EXPECT_THAT(*conclusion.outcome.report->body, HasSubstr("Action: failed"));
  EXPECT_THAT(*conclusion.outcome.report->body, HasSubstr("Status: 4.4.7"));
}

TEST(Report, IsNeitherChargedNorDoesItListTheShopsAddress) {
  Job ours = job();
  ours.kind = records::Kind::report;
  const Conclusion conclusion = told(ours, {taken, unknown}, rules());
  EXPECT_TRUE(conclusion.outcome.charges.empty());
  EXPECT_TRUE(conclusion.outcome.signs.empty());
}

}  // namespace
}  // namespace ecrelay::dispatch

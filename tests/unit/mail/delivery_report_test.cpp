#include "mail/delivery_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base64.h"
#include "core/text.h"
#include "mail/encoded_word.h"
#include "mail/header.h"

namespace ecrelay::mail {
namespace {

using testing::HasSubstr;
using testing::Not;

const TimePoint noon{Duration(1'800'000'000'000)};

DeliveryReport sample() {
  DeliveryReport report;
  report.id = Ulid(noon, {1});
  report.hostname = "relay.example.jp";
  report.to = "info@shop-a.example";
  report.at = noon;
  report.message = Ulid(noon, {2});
  report.message_id = "<order-1@shop-a.example>";
  report.accepted_at = noon;
  report.expires_at = noon + std::chrono::hours(48);
  ReportedRecipient recipient;
  recipient.address = "taro@customer.example";
  recipient.status = "5.1.1";
  recipient.remote_mta = "mx.customer.example";
  recipient.diagnostic = "550 5.1.1 unknown user";
  recipient.last_attempt = noon;
  report.recipients.push_back(recipient);
  report.header = "From: info@shop-a.example\r\nSubject: order\r\n\r\n";
  return report;
}

std::string text_for_people(const ComposedReport& report) {
  const std::size_t start = report.body.find("base64\r\n\r\n") + 10;
  std::string encoded = report.body.substr(start, report.body.find("\r\n\r\n--", start) - start);
  std::erase_if(encoded, [](char c) { return c == '\r' || c == '\n'; });
  return base64_decode(encoded).value();
}

TEST(DeliveryReport, TellsPeopleInJapaneseAndEnglish) {
  const std::string text = text_for_people(compose_report(sample()));
  EXPECT_THAT(text, HasSubstr("次の宛先にはメールを届けられませんでした"));
  EXPECT_THAT(text, HasSubstr("could not be delivered"));
  EXPECT_THAT(text, HasSubstr("taro@customer.example"));
  EXPECT_THAT(text, HasSubstr("550 5.1.1 unknown user"));
}

TEST(DeliveryReport, TellsProgramsInTheFieldsOfRfc3464) {
  const ComposedReport report = compose_report(sample());
  EXPECT_THAT(report.head, HasSubstr("multipart/report; report-type=delivery-status;"));
  for (const char* field : {"Reporting-MTA: dns; relay.example.jp\r\n",
                            "Final-Recipient: rfc822; taro@customer.example", "Action: failed\r\n",
                            "Status: 5.1.1\r\n", "Remote-MTA: dns; mx.customer.example\r\n",
                            "Diagnostic-Code: smtp; 550 5.1.1 unknown user\r\n"})
    EXPECT_THAT(report.body, HasSubstr(field));
  EXPECT_THAT(report.body, Not(HasSubstr("Will-Retry-Until")));
}

TEST(DeliveryReport, IsMarkedSoThatNobodyAnswersIt) {
  const ComposedReport report = compose_report(sample());
  const auto header = HeaderSection::scan(report.head).value();
  ASSERT_NE(header.find("Auto-Submitted"), nullptr);
  for (const char* name : {"From", "To", "Date", "Message-ID", "Subject", "MIME-Version"})
    EXPECT_NE(header.find(name), nullptr) << name;
  EXPECT_THAT(decode_encoded_words(unfolded(header.find("Subject")->value), 512),
              HasSubstr("メールを配信できませんでした / Mail could not be delivered"));
}

TEST(DeliveryReport, OfADelaySaysUntilWhenItIsTried) {
  DeliveryReport late = sample();
  late.action = DeliveryReport::Action::delayed;
  const ComposedReport report = compose_report(late);
  EXPECT_THAT(report.body, HasSubstr("Action: delayed\r\n"));
  EXPECT_THAT(report.body, HasSubstr("Will-Retry-Until: "));
  EXPECT_THAT(text_for_people(report), HasSubstr("再送を続けます"));
}

TEST(DeliveryReport, CannotBeBrokenOutOfByWhatServersSay) {
  DeliveryReport hostile = sample();
  hostile.recipients[0].diagnostic = "550 no\r\n\r\n--boundary\r\nFinal-Recipient: rfc822; x@y.z";
  hostile.recipients[0].remote_mta = "mx\r\nAction: delivered";
  hostile.message_id = "<a@b>\r\nBcc: everybody@example.jp";
  const ComposedReport report = compose_report(hostile);
  EXPECT_THAT(report.body, Not(HasSubstr("\r\nFinal-Recipient: rfc822; x@y.z")));
  EXPECT_THAT(report.body, Not(HasSubstr("\r\nAction: delivered")));
  EXPECT_THAT(report.head, Not(HasSubstr("\r\nBcc:")));
}

TEST(DeliveryReport, ReturnsTheHeaderInWholeLinesUpToALimit) {
  DeliveryReport large = sample();
  std::string header;
  for (int i = 0; i < 5000; ++i) header += "X-Field: " + std::string(60, 'x') + "\r\n";
  header += "\r\n";
  large.header = header;
  const ComposedReport report = compose_report(large);
  EXPECT_LT(report.body.size(), 70'000U);
  EXPECT_THAT(report.body, HasSubstr("xxx\r\n\r\n--=_"));
}

TEST(DeliveryReport, SaysWhenTheReturnedHeaderIsNotAscii) {
  DeliveryReport japanese = sample();
  japanese.header = "Subject: 注文\r\n\r\n";
  const ComposedReport report = compose_report(japanese);
  EXPECT_TRUE(report.eight_bit);
  EXPECT_THAT(report.body, HasSubstr("Content-Transfer-Encoding: 8bit\r\n\r\nSubject: 注文"));
  EXPECT_FALSE(compose_report(sample()).eight_bit);
}

TEST(DeliveryReport, WritesAddressesBeyondAsciiAsRfc6533) {
  DeliveryReport report = sample();
  report.recipients[0].address = "太郎@customer.example";
  EXPECT_THAT(compose_report(report).body,
              HasSubstr("Final-Recipient: utf-8; \\x{592A}\\x{90CE}@customer.example\r\n"));
}

}  // namespace
}  // namespace ecrelay::mail

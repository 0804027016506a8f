#include "mail/submission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ecrelay::mail {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = Fault::Kind;

Submission read(const std::string& message) {
  return read_submission(HeaderSection::scan(message).value(), "relay-1.example.jp");
}

std::vector<Kind> faults(const std::string& message) {
  std::vector<Kind> kinds;
  for (const Fault& fault : read(message).faults) kinds.push_back(fault.kind);
  return kinds;
}

/// What is said about a message whose header is `From` and these fields.
std::string complaint(const std::string& fields) {
  const auto submission = read("From: a@shop.jp\r\n" + fields + "\r\n\r\n");
  return submission.faults.empty() ? "" : submission.faults.front().text;
}

TEST(Submission, OfAnOrdinaryMailHasNoFault) {
  const auto submission = read(
      "Date: Mon, 23 Nov 2026 15:04:05 +0900\r\nFrom: Shop <a@shop.jp>\r\nTo: b@c.jp\r\n"
      "Message-ID: <1@shop.jp>\r\nSubject: x\r\nReceived: by app\r\n\r\nbody");
  EXPECT_THAT(submission.faults, IsEmpty());
  ASSERT_EQ(submission.from.size(), 1U);
  EXPECT_EQ(submission.from[0].text(), "a@shop.jp");
}

TEST(Submission, NeedsExactlyOneReadableFrom) {
  EXPECT_THAT(faults("To: b@c.jp\r\n\r\n"), ElementsAre(Kind::missing_from));
  EXPECT_THAT(faults(""), ElementsAre(Kind::missing_from));
  EXPECT_THAT(faults("From: a@shop.jp\r\nFROM: a@shop.jp\r\n\r\n"),
              ElementsAre(Kind::several_from));
  EXPECT_THAT(faults("From: a@shop.jp b\r\n\r\n"), ElementsAre(Kind::bad_from));
  EXPECT_THAT(faults("From:\r\n\r\n"), ElementsAre(Kind::bad_from));
  EXPECT_THAT(read("From: a@shop.jp\r\nfrom: b@shop.jp\r\n\r\n").from, IsEmpty());
}

TEST(Submission, TakesFieldsOnceThatMayStandOnce) {
  for (const std::string name :
       {"Date", "Subject", "Message-ID", "Sender", "Reply-To", "To", "Cc", "subject"}) {
    EXPECT_THAT(faults("From: a@shop.jp\r\n" + name + ": 1\r\n\r\n"), IsEmpty()) << name;
    EXPECT_THAT(faults("From: a@shop.jp\r\n" + name + ": 1\r\n" + name + ": 2\r\n\r\n"),
                ElementsAre(Kind::repeated_field))
        << name;
  }
  EXPECT_THAT(
      faults("From: a@shop.jp\r\nX: 1\r\nX: 2\r\nDKIM-Signature: 1\r\nDKIM-Signature: 2\r\n\r\n"),
      IsEmpty());
}

TEST(Submission, HasNoLineThatIsNoField) {
  EXPECT_THAT(faults("From: a@shop.jp\r\nFrom : b@evil.jp\r\n\r\n"), ElementsAre(Kind::stray_line));
  EXPECT_THAT(faults("From x\r\nFrom: a@shop.jp\r\n\r\n"), ElementsAre(Kind::stray_line));
}

TEST(Submission, TellsEveryFaultAtOnce) {
  EXPECT_THAT(
      faults("junk\r\nTo: 1\r\nTo: 2\r\nX-ECRelay-Mode: off\r\n\r\n"),
      ElementsAre(Kind::stray_line, Kind::missing_from, Kind::repeated_field, Kind::bad_option));
}

TEST(Submission, ReadsTheOptionsOfTheApplication) {
  const auto options =
      read(
          "From: a@shop.jp\r\nX-ECRelay-Idempotency-Key: order-1/mail 2\r\nx-ecrelay-tag: "
          "summer\r\n"
          "X-ECRELAY-METADATA: {\"order\": 1,\r\n \"name\": \"山田\"}\r\nX-ECRelay-Mode: Sink\r\n"
          "X-ECRelay-Lane: bulk\r\n\r\n")
          .options;
  EXPECT_EQ(options.idempotency_key, "order-1/mail 2");
  EXPECT_EQ(options.tag, "summer");
  EXPECT_EQ(options.metadata, "{\"order\": 1, \"name\": \"山田\"}");
  EXPECT_TRUE(options.sink);
  EXPECT_EQ(options.lane, Lane::bulk);
  const auto none = read("From: a@shop.jp\r\n\r\n").options;
  EXPECT_FALSE(none.idempotency_key || none.tag || none.metadata || none.sink || none.lane);
}

TEST(Submission, ReadsOptionsAsRubysMailEncodesThem) {
  const auto submission = read(
      "From: a@shop.jp\r\nX-ECRelay-Tag: =?UTF-8?Q?=E5=A4=8F=E3=82=BB=E3=83=BC=E3=83=AB?=\r\n"
      "X-ECRelay-Metadata: =?UTF-8?Q?{=22name=22:=22=E5=B1=B1=E7=94=B0=22,=22note=22:=22this?=\r\n"
      " =?UTF-8?Q?_is_long=22}?=\r\n\r\n");
  EXPECT_THAT(submission.faults, IsEmpty());
  EXPECT_EQ(submission.options.tag, "夏セール");
  EXPECT_EQ(submission.options.metadata, "{\"name\":\"山田\",\"note\":\"this is long\"}");
}

TEST(Submission, SaysWhatIsWrongWithAnOption) {
  const std::string long_key(255, 'k');
  EXPECT_EQ(complaint("X-ECRelay-Idempotency-Key: " + long_key), "");
  const std::string key_rule =
      "X-ECRelay-Idempotency-Key must be 1 to 255 printable ASCII characters";
  EXPECT_EQ(complaint("X-ECRelay-Idempotency-Key: k" + long_key), key_rule);
  EXPECT_EQ(complaint("X-ECRelay-Idempotency-Key: "), key_rule);
  EXPECT_EQ(complaint("X-ECRelay-Idempotency-Key: é"), key_rule);
  EXPECT_EQ(complaint("X-ECRelay-Idempotency-Key: a\tb"), key_rule);
  EXPECT_EQ(complaint("X-ECRelay-Tag: " + std::string(128, 't')), "");
  const std::string tag_rule =
      "X-ECRelay-Tag must be 1 to 128 bytes of UTF-8 without control characters";
  EXPECT_EQ(complaint("X-ECRelay-Tag: " + std::string(129, 't')), tag_rule);
  EXPECT_EQ(complaint("X-ECRelay-Tag: \xff"), tag_rule);
  EXPECT_EQ(complaint("X-ECRelay-Tag: =?UTF-8?Q?a=0D=0AX?="), tag_rule);
  EXPECT_EQ(complaint("X-ECRelay-Tag: a\u202Eb"), tag_rule);
  EXPECT_EQ(complaint("X-ECRelay-Metadata: {\"a\":\"" + std::string(1016, 'x') + "\"}"), "");
  EXPECT_EQ(complaint("X-ECRelay-Metadata: {\"a\":\"" + std::string(1017, 'x') + "\"}"),
            "X-ECRelay-Metadata must not be longer than 1 KiB");
  for (const char* text : {"", "[1]", "1", "{", "{\"a\":1} x", "{\"a\":\"\xff\"}"}) {
    EXPECT_EQ(complaint("X-ECRelay-Metadata: " + std::string(text)),
              "X-ECRelay-Metadata must be a JSON object");
  }
  EXPECT_EQ(complaint("X-ECRelay-Metadata: {\"a\":" + std::string(500, '[') +
                      std::string(500, ']') + "}"),
            "X-ECRelay-Metadata must be a JSON object");
  EXPECT_EQ(complaint("X-ECRelay-Mode: live"), "X-ECRelay-Mode must be sink");
  EXPECT_EQ(complaint("X-ECRelay-Lane: fast"), "X-ECRelay-Lane must be bulk or transactional");
  EXPECT_EQ(complaint("X-ECRelay-Lane: bulk\r\nX-ECRelay-Lane: bulk"),
            "X-ECRelay-Lane must not be repeated");
  EXPECT_EQ(complaint("X-ECRelay-Unknown: anything"), "");
}

std::string received(int count, const std::string& value) {
  std::string message = "From: a@shop.jp\r\n";
  for (int i = 0; i < count; ++i) message += "Received: " + value + "\r\n";
  return message + "\r\n";
}

TEST(Submission, LoopsAtFiftyHops) {
  EXPECT_THAT(faults(received(49, "from a by b.example; date")), IsEmpty());
  EXPECT_THAT(faults(received(50, "from a by b.example; date")), ElementsAre(Kind::loop));
}

TEST(Submission, LoopsWhenItWasHereThreeTimes) {
  for (const std::string ours :
       {"from a (b [1.2.3.4]) by relay-1.example.jp with ESMTP id 1; date",
        "from a\r\n\t(x (y) \\) by z)\r\n\tBY Relay-1.Example.JP.\r\n\twith SMTP; date",
        "by relay-1.example.jp; date", "from by by relay-1.example.jp(x)"}) {
    EXPECT_THAT(faults(received(2, ours)), IsEmpty()) << ours;
    EXPECT_THAT(faults(received(3, ours)), ElementsAre(Kind::loop)) << ours;
  }
  for (const std::string not_ours :
       {"from relay-1.example.jp by other.example; date", "from x (by relay-1.example.jp) by y; d",
        "from x by y; by relay-1.example.jp", "by relay-1.example.jp.evil.example; d", "from x by",
        "by", ""}) {
    EXPECT_THAT(faults(received(5, not_ours)), IsEmpty()) << not_ours;
  }
}

}  // namespace
}  // namespace ecrelay::mail

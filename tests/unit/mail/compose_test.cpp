#include "mail/compose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "core/text.h"
#include "mail/date.h"

namespace ecrelay::mail {
namespace {

using namespace std::chrono;
using namespace std::chrono_literals;

Composition facts() {
  Composition facts;
  facts.at = sys_days(2026y / 11 / 23) + 6h + 4min + 11s + 999ms;
  facts.id = Ulid(facts.at, {1, 2, 3});
  facts.hostname = "relay-1.example.jp";
  facts.message_id_domain = "shop.example";
  facts.helo = "app-1.example.jp";
  facts.client = *IpAddress::parse("10.0.1.5");
  return facts;
}

/// head + body of what becomes of `message`.
std::string composed(const std::string& message, const Composition& with = facts()) {
  const auto header = HeaderSection::scan(message).value();
  const Composed result = compose(header, with);
  return result.head + std::string(result.body);
}

/// The first two lines of Received, on one.
std::string received_from(const std::string& helo) {
  Composition with = facts();
  with.helo = helo;
  const std::string head = composed("", with);
  const std::string value = unfolded(HeaderSection::scan(head)->find("Received")->value);
  return value.substr(0, value.find("\tby "));
}

const std::string complete = "Date: d\r\nMessage-ID: <m>\r\n";

TEST(Compose, PutsReceivedOnTopAndCompletesTheHeader) {
  const std::string id = facts().id.text();
  EXPECT_EQ(composed("From: a@shop.example\r\n\r\nbody\r\n"),
            "Received: from app-1.example.jp\r\n\t([10.0.1.5])\r\n\tby relay-1.example.jp\r\n"
            "\twith ESMTP id " +
                id +
                ";\r\n\tMon, 23 Nov 2026 15:04:11 +0900\r\n"
                "Date: Mon, 23 Nov 2026 15:04:11 +0900\r\n"
                "Message-ID: <" +
                id +
                "@shop.example>\r\n"
                "From: a@shop.example\r\n\r\nbody\r\n");
}

TEST(Compose, LeavesDateAndMessageIdOfTheSenderAlone) {
  const std::string message = "message-id: <1@x>\r\nDATE: whenever\r\n\r\n";
  const std::string result = composed(message);
  EXPECT_TRUE(result.ends_with("+0900\r\n" + message));
  EXPECT_EQ(HeaderSection::scan(result)->fields().size(), 3U);
}

TEST(Compose, RemovesBccAndOurOptionsOnly) {
  const std::string result =
      composed(complete +
               "bcc: hidden@x.jp,\r\n hidden2@x.jp\r\nX-Keep:  a\r\n\tb \r\nResent-Bcc: hidden\r\n"
               "x-ecrelay-tag: hidden\r\nX-ECRelay-Unknown: hidden\r\nBcc:\r\nX-ECRela: "
               "kept\r\nSubject:\r\n\r\nBcc: body");
  EXPECT_TRUE(
      result.ends_with("+0900\r\n" + complete +
                       "X-Keep:  a\r\n\tb \r\nX-ECRela: kept\r\nSubject:\r\n\r\nBcc: body"));
  EXPECT_EQ(result.find("hidden"), std::string::npos);
}

TEST(Compose, EndsTheHeaderWhereTheMessageDidNot) {
  EXPECT_TRUE(composed(complete + "X: 1\r\n").ends_with("\r\nX: 1\r\n\r\n"));
  EXPECT_TRUE(composed(complete + "X: cut").ends_with("\r\nX: cut\r\n\r\n"));
  EXPECT_TRUE(composed(complete + "X: cut\r").ends_with("\r\nX: cut\r\r\n\r\n"));
  EXPECT_TRUE(composed("").ends_with("\r\n\r\n"));
}

TEST(Compose, NamesTheProtocol) {
  const auto protocol = [](bool extended, bool utf8, bool tls, bool authenticated) {
    return Transmission{extended, utf8, tls, authenticated}.protocol();
  };
  EXPECT_EQ(protocol(false, false, false, false), "SMTP");
  EXPECT_EQ(protocol(true, false, false, false), "ESMTP");
  EXPECT_EQ(protocol(true, false, true, false), "ESMTPS");
  EXPECT_EQ(protocol(true, false, false, true), "ESMTPA");
  EXPECT_EQ(protocol(true, false, true, true), "ESMTPSA");
  EXPECT_EQ(protocol(true, true, false, false), "UTF8SMTP");
  EXPECT_EQ(protocol(true, true, true, true), "UTF8SMTPSA");
}

TEST(Compose, LetsNoHeloNameIntoTheHeaderThatIsNone) {
  const std::string hostile[] = {"",          "a b", "x)\r\nBcc: y",       "a(b", "a;b", "\"a\"",
                                 "é.example", "a\\", std::string(256, 'a')};
  for (const std::string& helo : hostile) {
    EXPECT_EQ(received_from(helo), "from [10.0.1.5]\t([10.0.1.5])") << helo;
  }
  for (const std::string helo : {"app_1", "[10.0.1.5]", "[IPv6:2001:db8::1]", "local.domain"}) {
    EXPECT_EQ(received_from(helo), "from " + helo + "\t([10.0.1.5])");
  }
}

TEST(Compose, KeepsItsLinesShort) {
  Composition long_names = facts();
  long_names.client = *IpAddress::parse("2001:db8:1111:2222:3333:4444:5555:6666");
  for (const auto line : text::split(composed("", long_names), '\n')) EXPECT_LE(line.size(), 78U);
  long_names.helo = std::string(255, 'h');
  long_names.hostname = std::string(253, 'n');
  for (const auto line : text::split(composed("", long_names), '\n')) EXPECT_LE(line.size(), 998U);
}

std::vector<std::string> kept(const HeaderSection& header) {
  std::vector<std::string> fields;
  for (const Field& field : header.fields()) {
    if (field.is("Bcc") || field.is("Resent-Bcc") || text::istarts_with(field.name, "X-ECRelay-"))
      continue;
    fields.emplace_back(field.raw);
  }
  return fields;
}

TEST(Compose, OfHostileHeadersScansToTheSameFieldsAndBody) {
  const std::string pieces[] = {
      "A",        "Bcc",        "From", "X-ECRelay-", ":", " ",    "\t",
      "\r\n",     "\r\n",       "\r",   "\n",         "x", "\xFF", std::string(1, '\0'),
      "Received", "Date: 1\r\n"};
  std::mt19937 random(4);
  for (int round = 0; round < 20'000; ++round) {
    std::string message;
    for (auto left = random() % 25; left > 0; --left)
      message += pieces[random() % std::size(pieces)];
    const auto before = HeaderSection::scan(message).value();
    const std::string result = composed(message);
    const auto after = HeaderSection::scan(result).value();

    auto expected = kept(before);
    if (!expected.empty() && !expected.back().ends_with("\r\n")) expected.back() += "\r\n";
    auto fields = kept(after);
    ASSERT_GE(fields.size(), expected.size());
    ASSERT_LE(fields.size(), expected.size() + 3);
    fields.erase(fields.begin(), fields.end() - static_cast<std::ptrdiff_t>(expected.size()));
    EXPECT_EQ(fields, expected) << testing::PrintToString(message);
    EXPECT_EQ(after.body(), before.body());
    EXPECT_TRUE(after.has_empty_line());
    EXPECT_TRUE(after.stray_lines().empty());
  }
}

TEST(HeaderDate, IsJapaneseTimeInEnglish) {
  EXPECT_EQ(header_date(sys_days(2026y / 1 / 31) + 15h), "Sun, 01 Feb 2026 00:00:00 +0900");
  EXPECT_EQ(header_date(sys_days(2026y / 1 / 31) + 14h + 59min + 59s + 999ms),
            "Sat, 31 Jan 2026 23:59:59 +0900");
  EXPECT_EQ(header_date(sys_days(2028y / 2 / 29)), "Tue, 29 Feb 2028 09:00:00 +0900");
  EXPECT_EQ(header_date(TimePoint()), "Thu, 01 Jan 1970 09:00:00 +0900");
}

}  // namespace
}  // namespace ecrelay::mail

#include "mail/header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace ecrelay::mail {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

HeaderSection scan(std::string_view message) { return HeaderSection::scan(message).value(); }

std::vector<std::string> names(const HeaderSection& header) {
  std::vector<std::string> result;
  for (const Field& field : header.fields()) result.emplace_back(field.name);
  return result;
}

TEST(HeaderSection, EndsAtTheFirstEmptyLine) {
  const auto header = scan("From: a@b.jp\r\nSubject: x\r\n\r\nTo: c@d.jp\r\n\r\nmore");
  EXPECT_THAT(names(header), ElementsAre("From", "Subject"));
  EXPECT_EQ(header.body(), "To: c@d.jp\r\n\r\nmore");
  EXPECT_EQ(header.body_offset(), 28U);
  EXPECT_TRUE(header.has_empty_line());
}

TEST(HeaderSection, GivesEachFieldByteForByte) {
  const auto header = scan("Subject:  a\r\n b\r\n\tc \r\nX:\r\n\r\n");
  const Field& subject = header.fields()[0];
  EXPECT_EQ(subject.raw, "Subject:  a\r\n b\r\n\tc \r\n");
  EXPECT_EQ(subject.value, "  a\r\n b\r\n\tc ");
  EXPECT_EQ(unfolded(subject.value), "a b\tc");
  EXPECT_EQ(header.fields()[1].raw, "X:\r\n");
  EXPECT_EQ(header.fields()[1].value, "");
}

TEST(HeaderSection, FindsByNameInAnyCase) {
  const auto header = scan("To: 1\r\nTO: 2\r\nToo: 3\r\n\r\n");
  EXPECT_EQ(header.count("tO"), 2U);
  EXPECT_EQ(header.find("to")->value, " 1");
  EXPECT_EQ(header.find("Cc"), nullptr);
}

TEST(HeaderSection, WithoutAnEmptyLineIsTheWholeMessage) {
  const auto header = scan("From: a@b.jp\r\nSubject: x\r\n");
  EXPECT_THAT(names(header), ElementsAre("From", "Subject"));
  EXPECT_FALSE(header.has_empty_line());
  EXPECT_EQ(header.body(), "");
  EXPECT_EQ(scan("From: a@b.jp\r\nSubject: cut").fields()[1].raw, "Subject: cut");
  EXPECT_THAT(scan("").fields(), IsEmpty());
  EXPECT_EQ(scan("\r\nbody").body(), "body");
}

TEST(HeaderSection, IsContinuedByALineOfWhiteSpace) {
  const auto header = scan("To: a@b.jp,\r\n\t\r\n\tc@d.jp\r\nX: 1\r\n\r\nbody");
  EXPECT_EQ(header.fields()[0].raw, "To: a@b.jp,\r\n\t\r\n\tc@d.jp\r\n");
  EXPECT_EQ(header.body(), "body");
}

TEST(HeaderSection, SetsLinesThatAreNoFieldApart) {
  const auto header = scan(
      "From x@y.jp Mon\r\n folded\r\nFrom: a@b.jp\r\njunk\r\nSubject : s\r\n: v\r\nN\xC3\xA4me: "
      "v\r\n"
      "To: t\r\n\r\n");
  EXPECT_THAT(names(header), ElementsAre("From", "To"));
  EXPECT_THAT(header.stray_lines(),
              ElementsAre("From x@y.jp Mon\r\n folded\r\n", "junk\r\n", "Subject : s\r\n",
                          ": v\r\n", "N\xC3\xA4me: v\r\n"));
  EXPECT_THAT(scan(" leading\r\nA: 1\r\n\r\n").stray_lines(), ElementsAre(" leading\r\n"));
}

TEST(HeaderSection, OnlyCrlfEndsALine) {
  const auto header = scan("A: 1\nB: 2\rC: 3\r\n\n\nD: 4\r\n\r\n");
  EXPECT_THAT(names(header), ElementsAre("A"));
  EXPECT_EQ(header.fields()[0].value, " 1\nB: 2\rC: 3");
  EXPECT_THAT(header.stray_lines(), ElementsAre("\n\nD: 4\r\n"));
}

std::string fields(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += "X: y\r\n";
  return text;
}

TEST(HeaderSection, IsRefusedBeyondItsLimits) {
  EXPECT_TRUE(HeaderSection::scan(fields(1000) + "\r\n"));
  EXPECT_EQ(HeaderSection::scan(fields(1001) + "\r\n").error().detail,
            "header has more than 1000 fields");
  EXPECT_FALSE(HeaderSection::scan(fields(10'000)));
  std::string stray;
  for (int i = 0; i < 1001; ++i) stray += "junk\r\n";
  EXPECT_FALSE(HeaderSection::scan(stray + "\r\n"));

  const std::size_t limit = 256 * 1024;
  const auto section = [](std::size_t bytes) {
    return "X: " + std::string(bytes - 5, 'y') + "\r\n";
  };
  EXPECT_TRUE(HeaderSection::scan(section(limit) + "\r\nbody"));
  EXPECT_TRUE(HeaderSection::scan(section(limit)));
  EXPECT_EQ(HeaderSection::scan(section(limit + 1) + "\r\nbody").error().detail,
            "header is longer than 262144 bytes");
  EXPECT_FALSE(HeaderSection::scan(section(limit + 1)));
  EXPECT_FALSE(HeaderSection::scan(section(1024 * 1024)));
}

TEST(HeaderSection, OfALongBodyIsReadWithoutTheBody) {
  const std::string body(1'000'000, 'b');
  EXPECT_EQ(scan("A: 1\r\n\r\n" + body).fields().size(), 1U);
}

/// Fields, stray lines, empty line and body put back together.
std::string put_together(const HeaderSection& header, std::string_view message) {
  std::string result;
  auto field = header.fields().begin();
  auto stray = header.stray_lines().begin();
  while (field != header.fields().end() || stray != header.stray_lines().end()) {
    const bool next_is_field =
        stray == header.stray_lines().end() ||
        (field != header.fields().end() && field->raw.data() < stray->data());
    result += next_is_field ? (field++)->raw : *stray++;
  }
  if (header.has_empty_line()) result += "\r\n";
  EXPECT_EQ(result.size(), header.body_offset());
  EXPECT_EQ(message.substr(header.body_offset()), header.body());
  return result.append(header.body());
}

TEST(HeaderSection, LosesNoByteWhereverTheMessageIsCut) {
  const std::string message =
      "From: =?UTF-8?B?44GC?= <a@b.jp>\r\nSubject: a\r\n b\r\n "
      "\r\njunk\r\n\tmore\r\nX:\r\n\r\nbody\r\n";
  for (std::size_t cut = 0; cut <= message.size(); ++cut) {
    const std::string part = message.substr(0, cut);
    EXPECT_EQ(put_together(scan(part), part), part);
  }
}

TEST(HeaderSection, LosesNoByteOfHostileHeaders) {
  constexpr std::string_view letters =
      "aA: \t\r\n\r\n:;()\"<@>\xFF\0"
      "=?";
  std::mt19937 random(2);
  for (int round = 0; round < 20'000; ++round) {
    std::string message(random() % 60, '\0');
    for (char& c : message) c = letters[random() % letters.size()];
    const auto header = scan(message);
    EXPECT_EQ(put_together(header, message), message);
    for (const Field& field : header.fields()) EXPECT_FALSE(field.name.empty());
  }
}

}  // namespace
}  // namespace ecrelay::mail

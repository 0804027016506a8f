#include "core/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/result.h"

namespace ecrelay::text {
namespace {

using testing::ElementsAre;

TEST(Text, FoldsAsciiOnly) {
  EXPECT_EQ(lowered("ABCxyz[@`{Ä"), "abcxyz[@`{Ä");
  EXPECT_EQ(uppered("abcXYZ`{ä"), "ABCXYZ`{ä");
  EXPECT_TRUE(iequals("Message-ID", "message-id"));
  EXPECT_FALSE(iequals("a", "ab"));
  EXPECT_FALSE(iequals("[", "{"));
  EXPECT_TRUE(istarts_with("X-ECRelay-Tag", "x-ecrelay-"));
  EXPECT_FALSE(istarts_with("X-EC", "x-ecrelay-"));
  EXPECT_TRUE(icontains("550 User Unknown", "user unknown"));
  EXPECT_FALSE(icontains("550", "5500"));
  EXPECT_TRUE(icontains("", ""));
}

TEST(Text, TrimsAndSplits) {
  EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
  EXPECT_EQ(trimmed(" \r\n"), "");
  EXPECT_THAT(split("a,,b,", ','), ElementsAre("a", "", "b", ""));
  EXPECT_THAT(split("", ','), ElementsAre(""));
}

TEST(Text, NumbersAreWholeAndFit) {
  EXPECT_EQ(number("0042"), 42U);
  EXPECT_EQ(number("18446744073709551615"), 18446744073709551615U);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1x", "0x1", "18446744073709551616"}) {
    EXPECT_FALSE(number(text)) << text;
  }
}

TEST(Text, Utf8IsTheShortestFormOfACharacter) {
  for (const char* text : {"", "abc", "é", "日本", "😀", "\xEF\xBF\xBF", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
  for (const char* text :
       {"\x80", "\xC3", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80",
        "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE3\x81",
        "a\xE3\x81"
        "b"}) {
    EXPECT_FALSE(is_utf8(text));
  }
}

TEST(Text, CodePointsKeepMalformedBytesApart) {
  EXPECT_EQ(code_points("aé日😀"), U"a\u00E9\u65E5\U0001F600");
  EXPECT_EQ(code_points("\xE3\x81"
                        "b"),
            (std::u32string{malformed | 0xE3U, malformed | 0x81U, U'b'}));
}

TEST(Text, MalformedBytesAreReplacedOneByOne) {
  EXPECT_EQ(well_formed("aé日😀"), "aé日😀");
  EXPECT_EQ(well_formed("a\xE3\x81"
                        "b\xFF"),
            "a\uFFFD\uFFFD"
            "b\uFFFD");
  EXPECT_EQ(well_formed("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
}

TEST(Suggestion, NamesTheNearestWordWhenItIsNear) {
  const std::vector<std::string> keys = {"hostname", "listeners", "shops", "hosts"};
  EXPECT_EQ(suggestion("hostnmae", keys), "hostname");
  EXPECT_EQ(suggestion("shop", keys), "shops");
  EXPECT_FALSE(suggestion("zzzzzz", keys));
  EXPECT_FALSE(suggestion("anything", {}));
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
}

TEST(Result, IsAValueOrAReason) {
  const Result<int> good = 3;
  const Result<int> bad = not_found("no such entry");
  EXPECT_TRUE(good);
  EXPECT_EQ(*good, 3);
  EXPECT_FALSE(bad);
  EXPECT_EQ(bad.error().code, ErrorCode::not_found);
  EXPECT_THROW(static_cast<void>(bad.value()), std::bad_variant_access);
  EXPECT_TRUE(Result<void>());
  EXPECT_FALSE(Result<void>(conflict("twice")));
}

}  // namespace
}  // namespace ecrelay::text

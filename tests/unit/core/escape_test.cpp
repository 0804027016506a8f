#include "core/escape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/text.h"

namespace ecrelay {
namespace {

TEST(Printable, LeavesJapaneseAndPlainTextAlone) {
  EXPECT_EQ(printable("ご注文 no. 12 <a@b.example> \"x\""), "ご注文 no. 12 <a@b.example> \"x\"");
  EXPECT_EQ(printable("😀"), "😀");
}

TEST(Printable, ShowsEveryControlAsText) {
  EXPECT_EQ(printable("a\r\nb\tc"), "a\\r\\nb\\tc");
  EXPECT_EQ(printable(std::string("\0\x1b[31m\x7f", 7)), "\\x00\\x1b[31m\\x7f");
  EXPECT_EQ(printable("\xC2\x85"), "\\u{0085}");  // C1: next line
}

TEST(Printable, ShowsWhatTurnsOrHidesText) {
  EXPECT_EQ(printable("a\u202Eb"), "a\\u{202e}b");
  EXPECT_EQ(printable("a\u200Bb\u2028\uFEFF"), "a\\u{200b}b\\u{2028}\\u{feff}");
  EXPECT_EQ(printable("\U000E0041"), "\\u{0e0041}");
}

TEST(Printable, ShowsBytesThatAreNotUtf8) {
  EXPECT_EQ(printable("\xff\xC3"), "\\xff\\xc3");
  EXPECT_EQ(printable("\xED\xA0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(printable("\xC0\xAF"), "\\xc0\\xaf");           // an overlong slash
}

TEST(Printable, CannotBeMistakenForAnEscape) { EXPECT_EQ(printable("\\x1b"), "\\\\x1b"); }

TEST(Printable, IsCutAtACharacterWithinTheLimit) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdefg", 6), "abc…");
  EXPECT_EQ(printable("あいう", 9), "あいう");
  EXPECT_EQ(printable("あいうえ", 9), "あい…");
  EXPECT_EQ(printable("\r\r\r\r", 6), "\\r…");
}

TEST(JsonEscaped, IsTheInsideOfAJsonString) {
  EXPECT_EQ(json_escaped("a\"b\\c\r\n\t\x01"), "a\\\"b\\\\c\\r\\n\\t\\u0001");
  EXPECT_EQ(json_escaped("\xff"), "\\\\xff");
  EXPECT_EQ(json_escaped("\u202E"), "\\u202e");
  EXPECT_EQ(json_escaped("\U000E0041"), "\\udb40\\udc41");
}

TEST(Escapes, HoldForRandomBytesAtEveryLimit) {
  std::mt19937 random(20261123);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(static_cast<unsigned char>(random() & 0xFFU));
    const std::size_t limit = 3 + random() % 60;
    for (const std::string& shown : {printable(bytes, limit), json_escaped(bytes, limit)}) {
      EXPECT_LE(shown.size(), limit);
      EXPECT_TRUE(text::is_utf8(shown));
      EXPECT_TRUE(std::none_of(shown.begin(), shown.end(), text::is_control));
    }
  }
}

}  // namespace
}  // namespace ecrelay

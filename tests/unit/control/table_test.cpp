#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <wchar.h>

#include <clocale>

#include "control/table.h"
#include "core/text.h"

namespace ecrelay::control {
namespace {

TEST(DisplayWidth, JapaneseTakesTwoColumnsACharacterAndHalfWidthKanaOne) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("ご注文"), 6U);
  EXPECT_EQ(display_width("ショップA"), 9U);
  EXPECT_EQ(display_width("ｼｮｯﾌﾟ"), 5U);
  EXPECT_EQ(display_width("Ａ１！"), 6U);
  EXPECT_EQ(display_width("か\u3099"), 2U);  // か and a combining mark
  EXPECT_EQ(display_width("🎉"), 2U);
  EXPECT_EQ(display_width("…é"), 2U);
}

TEST(DisplayWidth, AgreesWithTheSystemOnJapaneseBlocks) {
  ASSERT_NE(std::setlocale(LC_CTYPE, "C.UTF-8"), nullptr);
  const auto utf8 = [](char32_t c) {
    return std::string{static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3F)),
                       static_cast<char>(0x80 | (c & 0x3F))};
  };
  for (const auto& [first, last] : {std::pair<char32_t, char32_t>{0x3000, 0x30FF},
                                    {0x3200, 0x33FF},
                                    {0x4E00, 0x9FA5},
                                    {0xFF01, 0xFFEE}}) {
    for (char32_t c = first; c <= last; ++c) {
      const int expected = ::wcwidth(static_cast<wchar_t>(c));
      if (expected >= 0) {
        EXPECT_EQ(display_width(utf8(c)), static_cast<std::size_t>(expected)) << std::hex << +c;
      }
    }
  }
  std::setlocale(LC_CTYPE, "C");
}

TEST(Fitted, CutsAtACharacterAndNeverBeyondItsColumns) {
  EXPECT_EQ(fitted("ご注文の確認", 12), "ご注文の確認");
  EXPECT_EQ(fitted("ご注文の確認", 11), "ご注文の確…");
  EXPECT_EQ(fitted("ご注文の確認", 10), "ご注文の…");
  EXPECT_EQ(fitted("abc", 2), "a…");
  for (std::size_t columns = 1; columns < 14; ++columns) {
    const std::string cut = fitted("aご注文b確認", columns);
    EXPECT_LE(display_width(cut), columns);
    EXPECT_TRUE(text::is_utf8(cut));
  }
}

TEST(TableText, ColumnsStandUnderOneAnotherWhateverTheScript) {
  Table table({{"SHOP"}, {"YEN", Align::right}, {"REMARK"}});
  table.add({"ショップA", "0.1", "x"});
  table.add({"b", "1234.5", "y"});
  EXPECT_EQ(table.text(),
            "SHOP          YEN  REMARK\n"
            "ショップA     0.1  x\n"
            "b          1234.5  y\n");
}

TEST(TableText, NothingFromOutsideBreaksALineOrMovesTheCursor) {
  Table table({{"A"}, {"B"}});
  table.add({"evil\x1b[2J\r\nnext", "\u202Egnp.exe\x80"});
  const std::string text = table.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_THAT(text, ::testing::HasSubstr(R"(evil\x1b[2J\r\nnext)"));
  EXPECT_THAT(text, ::testing::HasSubstr(R"(\u{202e}gnp.exe\x80)"));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace ecrelay::control

#include "finance/sheet.h"

#include <gtest/gtest.h>

#include <array>

#include "finance/forecast.h"
#include "finance/sha256.h"

namespace ecrelay::finance {
namespace {

constexpr std::array<Column, 3> columns{{{"name", "店名"}, {"count", "数"}, {"yen", "円"}}};

std::string line(const Format& format, std::string_view text) {
  Sheet sheet(columns, format);
  return sheet.text(text).number(-3).yen(Money::milli_yen(3'015'000)).row();
}

TEST(Sheet, QuotesTextsLeavesNumbersPlainAndBeginsWithABom) {
  Sheet sheet(columns, Format{});
  EXPECT_EQ(sheet.head(), "\xef\xbb\xbf\"name\",\"count\",\"yen\"\r\n");
  EXPECT_EQ(line(Format{}, "say \"はい\", ok"), "\"say \"\"はい\"\", ok\",-3,3015.0\r\n");
  EXPECT_EQ(Sheet(columns, Format{}).text("a").nothing().yen(Money::milli_yen(1)).row(),
            "\"a\",,0.001\r\n");
}

TEST(Sheet, SpeaksJapaneseInCp932WithTheCharactersOfWindows) {
  Format format;
  format.encoding = Encoding::cp932;
  format.headings = Headings::japanese;
  Sheet sheet(columns, format);
  EXPECT_EQ(sheet.head(), "\"\x93\x58\x96\xbc\",\"\x90\x94\",\"\x89\x7e\"\r\n") << "and no BOM";
  // ①㈱髙, as Windows writes them, and wave dash and minus in both of their code points.
  EXPECT_EQ(line(format, "①㈱髙～〜－−"),
            "\"\x87\x40\x87\x8a\xfb\xfc\x81\x60\x81\x60\x81\x7c\x81\x7c\",-3,3015.0\r\n");
}

TEST(Sheet, ShowsWhatCp932LacksAndCountsIt) {
  Format format;
  format.encoding = Encoding::cp932;
  Sheet sheet(columns, format);
  const std::string row = sheet.text("𠮷野家☕é店").number(1).yen(Money()).row();
  EXPECT_EQ(row, "\"\x81\xac\x96\xec\x89\xc6\x81\xac\x81\xac\x93\x58\",1,0.0\r\n");
  EXPECT_EQ(sheet.replaced(), 3u);
}

TEST(Sheet, RunsNothingInASpreadsheet) {
  for (const std::string hostile :
       {"=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\t=1", "＝1+1", "　＋1", "=cmd|' /C calc'!A0"})
    EXPECT_EQ(defused(hostile).front(), '\'') << hostile;
  for (const std::string harmless : {"a=1", "1-2", "shop-a", "", "ショップA", "'"})
    EXPECT_EQ(defused(harmless), harmless);
}

TEST(Sheet, KeepsEveryTextInItsCell) {
  EXPECT_EQ(defused("a\r\nb\x1b[2J"), "a\\r\\nb\\x1b[2J");
  EXPECT_EQ(defused("\xe2\x80\xae"
                    "abc"),
            "\\u{202e}abc");
  EXPECT_EQ(defused("\xff"), "\xef\xbf\xbd");
  EXPECT_EQ(defused("C:\\tmp"), "C:\\tmp");
}

TEST(Sheet, IsJsonToo) {
  Format format;
  format.layout = Layout::json;
  format.encoding = Encoding::cp932;
  Sheet sheet(columns, format);
  std::string all = sheet.head();
  all += sheet.text("=\"髙\"").number(1).yen(Money::milli_yen(100)).row();
  all += sheet.text("b").nothing().yen(Money()).row() + sheet.tail();
  EXPECT_EQ(all,
            "[\n{\"name\":\"=\\\"髙\\\"\",\"count\":1,\"yen\":\"0.1\"},\n"
            "{\"name\":\"b\",\"count\":null,\"yen\":\"0.0\"}\n]\n");
}

TEST(Sha256, IsThatOfFips180) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 parts;
  parts.add("a");
  parts.add("bc");
  EXPECT_EQ(parts.hex(), sha256("abc"));
}

TEST(Forecast, GoesOnAsTheMonthHasBegun) {
  using namespace std::chrono_literals;
  const TimePoint start = start_of(2026y / 11 / 1);
  const Money so_far = Money::milli_yen(1'000'500);
  EXPECT_EQ(forecast(so_far, start + 24h * 15), Money::milli_yen(2'000'000));
  EXPECT_EQ(forecast(so_far, start + 30min), so_far) << "too early to tell";
  EXPECT_EQ(forecast(so_far, start + 24h * 30 - 1min), so_far);
  EXPECT_EQ(forecast(Money::milli_yen(29'000), start_of(2028y / 2 / 1) + 24h * 14 + 12h),
            Money::milli_yen(58'000))
      << "February of a leap year has 29 days";
  EXPECT_EQ(forecast(Money::milli_yen(90'000'000'000'000'000), start + 24h * 15),
            Money::milli_yen(180'000'000'000'000'000));
}

}  // namespace
}  // namespace ecrelay::finance

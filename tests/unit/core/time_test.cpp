#include "core/time.h"

#include <gtest/gtest.h>

namespace ecrelay {
namespace {

using namespace std::chrono;
using namespace std::chrono_literals;

TEST(BillingMonth, TurnsAtMidnightInTokyoNotInLondon) {
  const TimePoint last_second = sys_days(2026y / 1 / 31) + 14h + 59min + 59s;
  EXPECT_EQ(billing_month(last_second), 2026y / January);
  EXPECT_EQ(billing_month(last_second + 1s), 2026y / February);
  EXPECT_EQ(billing_day(last_second), 2026y / 1 / 31);
  EXPECT_EQ(billing_day(last_second + 1s), 2026y / 2 / 1);
}

TEST(BillingDay, BeginsWhereItsStartIs) {
  const TimePoint start = start_of(2028y / 2 / 29);
  EXPECT_EQ(billing_day(start), 2028y / 2 / 29);
  EXPECT_EQ(billing_day(start - 1ms), 2028y / 2 / 28);
  EXPECT_EQ(timestamp(start), "2028-02-29T00:00:00.000+09:00");
}

TEST(Timestamp, IsReadBackToTheMillisecond) {
  const TimePoint at = sys_days(2026y / 11 / 23) + 6h + 4min + 11s + 123ms;
  EXPECT_EQ(timestamp(at), "2026-11-23T15:04:11.123+09:00");
  EXPECT_EQ(parse_timestamp(timestamp(at)), at);
}

TEST(Timestamp, TakesOffsetsAndShortForms) {
  const TimePoint at = sys_days(2026y / 11 / 23) + 6h + 4min;
  for (const char* text : {"2026-11-23T15:04:00+09:00", "2026-11-23T06:04Z", "2026-11-23 15:04",
                           "2026-11-22t20:34:00.000-09:30", "2026-11-23T15:04:00.0000001+0900"}) {
    EXPECT_EQ(parse_timestamp(text), at) << text;
  }
  EXPECT_EQ(parse_timestamp("2026-11-23"), start_of(2026y / 11 / 23));
}

TEST(Timestamp, RefusesWhatIsNoTime) {
  for (const char* text : {"", "2026-11-31", "2026-02-29", "2026-13-01", "26-11-23", "2026-11-23T",
                           "2026-11-23T24:00", "2026-11-23T15:60", "2026-11-23T15:04:61",
                           "2026-11-23T15:04:00.", "2026-11-23T15:04+9", "2026-11-23T15:04+15:00",
                           "2026-11-23T15:04Zx", "2026-11-23x", "2026/11/23", "-026-11-23"}) {
    EXPECT_FALSE(parse_timestamp(text)) << text;
  }
}

TEST(CalendarTexts, AreReadBack) {
  EXPECT_EQ(to_text(2026y / 1 / 2), "2026-01-02");
  EXPECT_EQ(parse_day("2026-01-02"), 2026y / 1 / 2);
  EXPECT_EQ(to_text(2026y / January), "2026-01");
  EXPECT_EQ(parse_month("2026-01"), 2026y / January);
  EXPECT_FALSE(parse_month("2026-1"));
  EXPECT_FALSE(parse_month("2026-00"));
  EXPECT_FALSE(parse_month("2026-01-01"));
  EXPECT_FALSE(parse_day("2026-01-02 "));
}

TEST(DurationText, IsTheShortestExactForm) {
  EXPECT_EQ(to_text(Duration(0)), "0s");
  EXPECT_EQ(to_text(Duration(72h)), "3d");
  EXPECT_EQ(to_text(Duration(90min)), "1h30m");
  EXPECT_EQ(to_text(Duration(45s)), "45s");
  EXPECT_EQ(to_text(Duration(1s + 250ms)), "1s250ms");
  EXPECT_EQ(to_text(Duration(-90s)), "-1m30s");
}

}  // namespace
}  // namespace ecrelay

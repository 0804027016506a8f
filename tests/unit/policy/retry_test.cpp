#include "policy/retry.h"

#include <gtest/gtest.h>

namespace ecrelay::policy {
namespace {

using namespace std::chrono_literals;

const TimePoint accepted = *parse_timestamp("2026-11-23T12:00:00+09:00");
constexpr std::uint32_t middle = 0x80000000;  // no jitter
constexpr std::uint32_t most = 0xFFFFFFFF;

RetryPlan plan() { return {{1min, 5min, 15min, 30min, 1h, 2h, 4h}, 48h}; }

Attempted after(std::uint32_t attempts, Duration age, std::optional<Duration> named = {}) {
  return {attempts, accepted, accepted + age, named};
}

TEST(Retry, FollowsTheScheduleAndRepeatsItsLast) {
  const std::vector<Duration> expected = {1min, 5min, 15min, 30min, 1h, 2h, 4h, 4h, 4h};
  for (std::uint32_t attempt = 1; attempt <= expected.size(); ++attempt) {
    const Next next = next_attempt(plan(), after(attempt, 0s), middle);
    EXPECT_EQ(next.due, accepted + expected[attempt - 1]) << attempt;
  }
}

TEST(Retry, SpreadsADelayByATenthEitherWay) {
  EXPECT_EQ(next_attempt(plan(), after(5, 0s), 0).due, accepted + 54min);
  EXPECT_EQ(next_attempt(plan(), after(5, 0s), most).due, accepted + 66min - 1ms);
}

TEST(Retry, MakesItsLastAttemptAtTheExpiryAndThenExpires) {
  const Next last = next_attempt(plan(), after(17, 47h), middle);
  EXPECT_FALSE(last.expired);
  EXPECT_EQ(last.due, accepted + 48h);
  EXPECT_TRUE(next_attempt(plan(), after(18, 48h), middle).expired);
  EXPECT_FALSE(next_attempt(plan(), after(18, 48h - 1ms), middle).expired);
}

/// Follows one recipient with every attempt failing; the due times it went through.
std::vector<Duration> life_of(const RetryPlan& schedule, std::uint32_t random) {
  std::vector<Duration> ages = {0ms};
  for (std::uint32_t attempt = 1; attempt < 1000; ++attempt) {
    const Next next = next_attempt(schedule, after(attempt, ages.back()), random);
    if (next.expired) return ages;
    ages.push_back(next.due - accepted);
  }
  return {};
}

TEST(Retry, WholeLivesEndAtTheExpiryWhateverTheJitter) {
  for (const std::uint32_t random : {0U, middle, most}) {
    const auto ages = life_of(plan(), random);
    ASSERT_FALSE(ages.empty());
    EXPECT_EQ(ages.back(), 48h);
    EXPECT_GE(ages.size(), 16U);
    EXPECT_TRUE(std::is_sorted(ages.begin(), ages.end()));
  }
}

TEST(Retry, AShortExpiryIsKept) {
  const auto ages = life_of({{1min, 5min, 15min}, 30s}, middle);
  EXPECT_EQ(ages, (std::vector<Duration>{0ms, 30s}));
}

TEST(Retry, AnEmptyScheduleStillMovesOn) {
  EXPECT_EQ(next_attempt({{}, 48h}, after(1, 0s), middle).due, accepted + 15min);
}

TEST(Retry, ADelayThatTheReplyNamesIsHonouredWithinBounds) {
  EXPECT_EQ(next_attempt(plan(), after(1, 0s, 300s), 0).due, accepted + 300s);
  EXPECT_EQ(next_attempt(plan(), after(7, 0s, 300s), 0).due, accepted + 300s);
  EXPECT_EQ(next_attempt(plan(), after(1, 0s, 0s), 0).due, accepted + 1min);
  EXPECT_EQ(next_attempt(plan(), after(1, 0s, 240h), 0).due, accepted + 4h);
  EXPECT_GT(next_attempt(plan(), after(1, 0s, 300s), most).due, accepted + 300s)
      << "spread upwards only: asking too early is what was refused";
}

TEST(Retry, AClockAYearAheadDoesNotEmptyTheQueue) {
  const Duration year = 24h * 365;
  EXPECT_FALSE(next_attempt(plan(), after(1, year), middle).expired);
  EXPECT_EQ(next_attempt(plan(), after(1, year), middle).due, accepted + year + 1min);
  EXPECT_FALSE(next_attempt(plan(), after(2, year), middle).expired);
  EXPECT_TRUE(next_attempt(plan(), after(3, year), middle).expired);
}

TEST(Retry, AClockAnHourBackDoesNotStallTheQueue) {
  EXPECT_EQ(next_attempt(plan(), after(1, -1h), middle).due, accepted - 1h + 1min);
  EXPECT_TRUE(is_due(plan(), accepted, accepted));
  EXPECT_TRUE(is_due(plan(), accepted - 1s, accepted));
  EXPECT_FALSE(is_due(plan(), accepted + 4h, accepted)) << "a delay of the schedule is believed";
  EXPECT_TRUE(is_due(plan(), accepted + 24h * 365, accepted)) << "a year ahead is not";
  EXPECT_TRUE(is_due(plan(), accepted + 5h, accepted));
}

TEST(Retry, EveryDueTimeItGivesIsBelievedLater) {
  for (std::uint32_t attempt = 1; attempt < 12; ++attempt) {
    for (const std::uint32_t random : {0U, middle, most}) {
      for (const std::optional<Duration> named : {std::optional<Duration>(), {Duration(24h)}}) {
        const Next next = next_attempt(plan(), after(attempt, 0s, named), random);
        EXPECT_FALSE(is_due(plan(), next.due, accepted));
      }
    }
  }
}

TEST(NamedDelay, IsReadFromTheWordsOfRealServers) {
  EXPECT_EQ(delay_named_in("Greylisted, please try again in 300 seconds"), 300s);
  EXPECT_EQ(delay_named_in("4.7.1 Try again in 5 minutes."), 5min);
  EXPECT_EQ(delay_named_in("Greylisting in action, please come back in 00:04:59"), 4min + 59s);
  EXPECT_EQ(delay_named_in("Greylisted, try again in 04:59 minutes"), 4min + 59s);
  EXPECT_EQ(delay_named_in("throttled, retry after 60s"), 60s);
  EXPECT_EQ(delay_named_in("Retry-After: 90 sec"), 90s);
  EXPECT_EQ(delay_named_in("rate exceeded; wait at least 2 hours"), 2h);
  EXPECT_EQ(delay_named_in("TRY AGAIN IN ABOUT 1 HOUR"), 1h);
}

TEST(NamedDelay, IsNotMadeUp) {
  for (const auto* text : {"", "try again later", "try again in a while", "again in 300",
                           "retry in -5 seconds", "try again in 99999999999999999999 seconds",
                           "try again in 5 parsecs", "wait", "again in 5:", "again in 5:x seconds",
                           "mailbox full 300 seconds", "see https://example.jp/wait/300"}) {
    EXPECT_EQ(delay_named_in(text), std::nullopt) << text;
  }
}

TEST(NamedDelay, IsReadOrNotWithTheTextCutAnywhere) {
  const std::string text = "450 4.7.1 Greylisted, please come back in 00:04:59 or later";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const auto delay = delay_named_in(std::string_view(text).substr(0, cut));
    if (delay) {
      EXPECT_LE(*delay, 5min) << cut;
    }
  }
}

}  // namespace
}  // namespace ecrelay::policy

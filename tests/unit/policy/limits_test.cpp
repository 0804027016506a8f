#include "policy/limits.h"

#include <gtest/gtest.h>

namespace ecrelay::policy {
namespace {

using namespace std::chrono_literals;

/// 2026-11-23 12:00 in Tokyo.
const TimePoint noon = *parse_timestamp("2026-11-23T12:00:00+09:00");

int taken_at_once(TokenBucket& bucket, TimePoint now) {
  int count = 0;
  while (count < 100'000 && bucket.take(now).allowed()) ++count;
  return count;
}

TEST(TokenBucket, GivesTheBurstAndThenTheRate) {
  TokenBucket bucket(50, 100, noon);
  EXPECT_EQ(taken_at_once(bucket, noon), 100);
  EXPECT_EQ(taken_at_once(bucket, noon + 1s), 50);
  EXPECT_EQ(taken_at_once(bucket, noon + 1s + 20ms), 1);
  EXPECT_EQ(taken_at_once(bucket, noon + 1s + 39ms), 0);
  EXPECT_EQ(taken_at_once(bucket, noon + 1s + 40ms), 1);
}

TEST(TokenBucket, TellsTheFirstInstantThatHasAToken) {
  TokenBucket bucket(3, 1, noon);
  EXPECT_TRUE(bucket.take(noon).allowed());
  const Allowance refused = bucket.take(noon);
  ASSERT_FALSE(refused.allowed());
  EXPECT_EQ(refused.limit, Allowance::Limit::rate);
  EXPECT_EQ(refused.until, noon + 334ms);
  EXPECT_FALSE(bucket.take(refused.until - 1ms).allowed());
  EXPECT_TRUE(bucket.take(refused.until).allowed());
}

TEST(TokenBucket, NeverGivesMoreThanItsRateOverALongTime) {
  TokenBucket bucket(7, 7, noon);
  int given = 0;
  for (Duration at = 0ms; at < 100s; at += 13ms) given += bucket.take(noon + at).allowed() ? 1 : 0;
  EXPECT_LE(given, 7 + 700);
  EXPECT_GE(given, 700);
}

TEST(TokenBucket, GivesNothingForAClockSetBackAndDoesNotStall) {
  TokenBucket bucket(10, 10, noon);
  EXPECT_EQ(taken_at_once(bucket, noon), 10);
  EXPECT_EQ(taken_at_once(bucket, noon - 1h), 0);
  EXPECT_EQ(taken_at_once(bucket, noon - 1h + 1s), 10);
}

TEST(TokenBucket, FillsToTheBurstOnlyWhenTheClockJumpsAhead) {
  TokenBucket bucket(4'000'000'000U, 10, noon);
  EXPECT_EQ(taken_at_once(bucket, noon), 10);
  EXPECT_EQ(taken_at_once(bucket, noon + 24h * 365 * 200), 10);
  EXPECT_EQ(taken_at_once(bucket, noon), 0) << "and back again";
}

TEST(TokenBucket, OfRateZeroGivesTheBurstOnly) {
  TokenBucket bucket(0, 2, noon);
  EXPECT_EQ(taken_at_once(bucket, noon), 2);
  EXPECT_EQ(taken_at_once(bucket, noon + 24h), 0);
  EXPECT_EQ(bucket.take(noon + 24h).until, noon + 25h);
}

TEST(TokenBucket, KeepsWhatIsLeftWhenTheRateChanges) {
  TokenBucket bucket(10, 10, noon);
  bucket.set_rate(5, 5, noon);
  EXPECT_EQ(taken_at_once(bucket, noon), 5);
  bucket.set_rate(100, 100, noon);
  EXPECT_EQ(taken_at_once(bucket, noon), 0);
  EXPECT_EQ(taken_at_once(bucket, noon + 1s), 100);
}

TEST(ShopMeter, WithoutLimitsAllowsEverything) {
  ShopMeter meter({}, {}, noon);
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(meter.admit(noon).allowed());
}

TEST(ShopMeter, LetsAnApplicationServersBurstThrough) {
  ShopMeter meter({.messages_per_second = 1, .messages_per_day = {}, .yen_per_month = {}}, {},
                  noon);
  int allowed = 0;
  while (meter.admit(noon).allowed()) ++allowed;
  EXPECT_EQ(allowed, 10);
}

TEST(ShopMeter, OfRateZeroAllowsNothing) {
  ShopMeter meter({.messages_per_second = 0, .messages_per_day = {}, .yen_per_month = {}}, {},
                  noon);
  EXPECT_FALSE(meter.admit(noon).allowed());
}

ShopLimits per_day(std::uint64_t messages) {
  return {.messages_per_second = {}, .messages_per_day = messages, .yen_per_month = {}};
}

TEST(ShopMeter, CountsTheDayUntilMidnightInTokyo) {
  const TimePoint midnight = *parse_timestamp("2026-11-24T00:00:00+09:00");
  ShopMeter meter(per_day(2), {}, noon);
  ASSERT_TRUE(meter.reserve(noon).allowed());
  EXPECT_TRUE(meter.admit(noon).allowed());
  ASSERT_TRUE(meter.reserve(noon).allowed());
  const Allowance refused = meter.admit(midnight - 1ms);
  EXPECT_EQ(refused.limit, Allowance::Limit::day);
  EXPECT_EQ(refused.until, midnight);
  EXPECT_TRUE(meter.admit(midnight).allowed());
}

TEST(ShopMeter, KnowsWhatTheBookKnewBeforeTheStart) {
  ShopMeter meter(per_day(5), {.messages_today = 5, .yen_this_month = {}}, noon);
  EXPECT_FALSE(meter.admit(noon).allowed());
}

TEST(ShopMeter, DoesNotGiveADayTwiceWhenTheClockGoesBackOverMidnight) {
  const TimePoint midnight = *parse_timestamp("2026-11-24T00:00:00+09:00");
  ShopMeter meter(per_day(1), {}, midnight);
  ASSERT_TRUE(meter.reserve(midnight).allowed());
  EXPECT_FALSE(meter.admit(midnight - 1h).allowed());
  EXPECT_FALSE(meter.admit(midnight + 1h).allowed());
}

TEST(ShopMeter, RecoversFromAClockThatWasAYearAhead) {
  ShopMeter meter(per_day(1), {}, noon);
  ASSERT_TRUE(meter.reserve(noon + 24h * 365).allowed());
  EXPECT_TRUE(meter.admit(noon).allowed());
  ASSERT_TRUE(meter.reserve(noon).allowed());
  EXPECT_FALSE(meter.admit(noon).allowed());
  EXPECT_TRUE(meter.admit(noon + 24h).allowed());
}

TEST(ShopMeter, StopsAtTheMonthsYenUntilTheFirstInTokyo) {
  const TimePoint last = *parse_timestamp("2026-12-31T23:59:59+09:00");
  ShopMeter meter(
      {.messages_per_second = {}, .messages_per_day = {}, .yen_per_month = Money::milli_yen(300)},
      {}, last);
  meter.charged(Money::milli_yen(299), last);
  EXPECT_TRUE(meter.admit(last).allowed());
  meter.charged(Money::milli_yen(1), last);
  const Allowance refused = meter.admit(last);
  EXPECT_EQ(refused.limit, Allowance::Limit::month);
  EXPECT_EQ(refused.until, *parse_timestamp("2027-01-01T00:00:00+09:00"));
  EXPECT_TRUE(meter.admit(last + 1s).allowed());
  EXPECT_EQ(meter.usage().yen_this_month, Money());
}

TEST(ShopMeter, ANewDayKeepsTheMonthsYen) {
  ShopMeter meter({}, {.messages_today = 9, .yen_this_month = Money::milli_yen(700)}, noon);
  ASSERT_TRUE(meter.reserve(noon + 24h).allowed());
  EXPECT_EQ(meter.usage().messages_today, 1U);
  EXPECT_EQ(meter.usage().yen_this_month, Money::milli_yen(700));
}

TEST(ShopMeter, NeverStoresMoreThanTheDayHoweverManyWereAdmittedTogether) {
  ShopMeter meter(per_day(3), {}, noon);
  for (int session = 0; session < 10; ++session) EXPECT_TRUE(meter.admit(noon).allowed());
  int stored = 0;
  for (int session = 0; session < 10; ++session) stored += meter.reserve(noon).allowed();
  EXPECT_EQ(stored, 3);
  meter.release(noon);
  EXPECT_TRUE(meter.reserve(noon).allowed()) << "what was not stored leaves its place";
  EXPECT_FALSE(meter.reserve(noon).allowed());
}

TEST(ShopMeter, WarnsAt80AndAt100PercentOnceADayAndOnceAMonth) {
  ShopLimits limits = per_day(10);
  limits.yen_per_month = Money::milli_yen(1000);
  ShopMeter meter(limits, {}, noon);
  std::vector<std::pair<Allowance::Limit, std::uint64_t>> told;
  const auto listen = [&](TimePoint at) {
    for (const LimitUse& use : meter.warnings(at)) told.emplace_back(use.limit, use.percent);
  };
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(meter.reserve(noon).allowed());
    listen(noon);
  }
  const std::vector<std::pair<Allowance::Limit, std::uint64_t>> day = {
      {Allowance::Limit::day, 80}, {Allowance::Limit::day, 100}};
  EXPECT_EQ(told, day);
  meter.charged(Money::milli_yen(799), noon);
  listen(noon);
  EXPECT_EQ(told.size(), 2u);
  meter.charged(Money::milli_yen(300), noon);
  listen(noon);
  listen(noon + 24h);
  EXPECT_EQ(told.back(), (std::pair{Allowance::Limit::month, std::uint64_t{100}}));
  EXPECT_EQ(told.size(), 3u);
  ShopMeter restarted(limits, {.messages_today = 9, .yen_this_month = Money::milli_yen(900)}, noon);
  EXPECT_TRUE(restarted.warnings(noon).empty()) << "an earlier run has told of them";
}

TEST(ShopMeter, PercentsOfHugeAmountsDoNotOverflow) {
  EXPECT_EQ(percent_of(799, 1000), 79);
  EXPECT_EQ(percent_of(0, 0), 100);
  EXPECT_EQ(percent_of(9'000'000'000'000'000'000, 9'000'000'000'000'000'000), 99);
  EXPECT_EQ(percent_of(1, 9'000'000'000'000'000'000), 0);
}

TEST(ShopMeter, TakesNewLimitsWhileRunning) {
  ShopMeter meter({}, {}, noon);
  ASSERT_TRUE(meter.reserve(noon).allowed());
  meter.set_limits(per_day(1), noon);
  EXPECT_FALSE(meter.admit(noon).allowed());
  meter.set_limits({}, noon);
  EXPECT_TRUE(meter.admit(noon).allowed());
}

Host host_with(std::string name, std::optional<std::uint32_t> cap) {
  Host host;
  host.name = std::move(name);
  host.max_connections = cap;
  return host;
}

TEST(ConnectionCaps, HoldInAllAndByHost) {
  using Entry = ConnectionCaps::Entry;
  ConnectionCaps caps(3);
  const Host a = host_with("a", 2);
  const Host b = host_with("b", {});
  EXPECT_EQ(caps.enter(a), Entry::open);
  EXPECT_EQ(caps.enter(a), Entry::open);
  EXPECT_EQ(caps.enter(a), Entry::too_many_of_host);
  EXPECT_EQ(caps.enter(b), Entry::open);
  EXPECT_EQ(caps.enter(b), Entry::too_many);
  caps.leave("a");
  EXPECT_EQ(caps.enter(b), Entry::open);
  EXPECT_EQ(caps.open(), 3U);
  EXPECT_EQ(caps.open_of("a"), 1U);
  caps.set_total(1);
  EXPECT_EQ(caps.enter(a), Entry::too_many);
}

TEST(ConnectionCaps, LeavingWhatNeverEnteredFreesNothing) {
  ConnectionCaps caps(1);
  caps.leave("ghost");
  EXPECT_EQ(caps.open(), 0U);
}

TEST(BurstGauge, TakesWhatIsBeyondTheThresholdOfAMinuteForACampaign) {
  BurstGauge gauge;
  for (int i = 0; i < 300; ++i) EXPECT_FALSE(gauge.is_burst(300, noon + Duration(i * 100)));
  EXPECT_TRUE(gauge.is_burst(300, noon + std::chrono::seconds(31)));
  EXPECT_FALSE(gauge.is_burst(300, noon + std::chrono::seconds(95))) << "the burst is over";
}

TEST(BurstGauge, LeavesEverydayMailAloneAndCanBeTurnedOff) {
  BurstGauge everyday;
  BurstGauge off;
  for (int second = 0; second < 3600; ++second) {
    EXPECT_FALSE(everyday.is_burst(300, noon + std::chrono::seconds(second)));
    for (int i = 0; i < 20; ++i) EXPECT_FALSE(off.is_burst(0, noon + std::chrono::seconds(second)));
  }
}

}  // namespace
}  // namespace ecrelay::policy

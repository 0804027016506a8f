#include "dispatch/destinations.h"

#include <gtest/gtest.h>

namespace ecrelay::dispatch {
namespace {

using namespace std::chrono_literals;

const Destinations::Steady start = Destinations::Steady() + 1000h;

config::Destination limit(const std::string& domain, std::optional<std::uint32_t> concurrency,
                          std::optional<std::uint32_t> per_second = {}) {
  config::Destination result;
  result.domains = {domain};
  result.concurrency = concurrency;
  result.messages_per_second = per_second;
  return result;
}

Agenda::Turn turn(std::uint8_t number) { return {Ulid(TimePoint(), {number}), 0}; }

TEST(Destinations, HaveNoLimitsOfTheirOwn) {
  Destinations destinations({limit("docomo.ne.jp", 1)});
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(destinations.enter("customer.example", start));
}

TEST(Destinations, TakeAsManyAtOnceAsAllowedEachDomainForItself) {
  Destinations destinations({limit("docomo.ne.jp", 2), limit("*", 1)});
  EXPECT_TRUE(destinations.enter("docomo.ne.jp", start));
  EXPECT_TRUE(destinations.enter("docomo.ne.jp", start));
  EXPECT_FALSE(destinations.enter("docomo.ne.jp", start));
  EXPECT_TRUE(destinations.enter("a.example", start));
  EXPECT_FALSE(destinations.enter("a.example", start));
  EXPECT_TRUE(destinations.enter("b.example", start));
}

TEST(Destinations, GiveBackOneParkedMessageForEachThatLeaves) {
  Destinations destinations({limit("docomo.ne.jp", 1)});
  ASSERT_TRUE(destinations.enter("docomo.ne.jp", start));
  destinations.park("docomo.ne.jp", turn(1));
  destinations.park("docomo.ne.jp", turn(2));
  EXPECT_TRUE(destinations.ready(start).empty());
  EXPECT_EQ(destinations.next_ready(), std::nullopt) << "no time will change it";
  const auto turns = destinations.leave("docomo.ne.jp", start);
  ASSERT_EQ(turns.size(), 1U);
  EXPECT_EQ(turns[0].message, turn(1).message);
  EXPECT_EQ(destinations.parked(), 1U);
}

TEST(Destinations, KeepTheirPace) {
  Destinations destinations({limit("docomo.ne.jp", {}, 10)});
  int entered = 0;
  for (auto at = start; at < start + 10s; at += 10ms) {
    if (!destinations.enter("docomo.ne.jp", at)) continue;
    ++entered;
    destinations.leave("docomo.ne.jp", at);
  }
  EXPECT_EQ(entered, 100);
  destinations.park("docomo.ne.jp", turn(1));
  ASSERT_TRUE(destinations.next_ready());
  EXPECT_EQ(destinations.ready(*destinations.next_ready()).size(), 1U);
}

TEST(Destinations, ThatAskForLessGetOneAtATimeAfterAPause) {
  Destinations destinations({});
  destinations.slow_down("docomo.ne.jp", start, std::nullopt);
  EXPECT_EQ(destinations.slowed(), 1U);
  EXPECT_FALSE(destinations.enter("docomo.ne.jp", start + 9s));
  EXPECT_TRUE(destinations.enter("docomo.ne.jp", start + 10s));
  EXPECT_FALSE(destinations.enter("docomo.ne.jp", start + 20s)) << "the first is still there";
  EXPECT_TRUE(destinations.enter("gmail.com", start)) << "nobody else is slowed";
}

TEST(Destinations, AreBelievedWhenTheyNameADelayWithinBounds) {
  Destinations destinations({});
  destinations.slow_down("a.example", start, 5min);
  EXPECT_FALSE(destinations.enter("a.example", start + 5min - 1s));
  EXPECT_TRUE(destinations.enter("a.example", start + 5min));
  destinations.slow_down("b.example", start, 100h);
  EXPECT_TRUE(destinations.enter("b.example", start + 4h));
}

TEST(Destinations, RecoverAsTheyTakeMail) {
  Destinations destinations({});
  destinations.slow_down("a.example", start, std::nullopt);
  destinations.slow_down("a.example", start, std::nullopt);
  int deliveries = 0;
  auto at = start;
  for (; destinations.slowed() > 0 && deliveries < 1000; at += 100ms) {
    if (!destinations.enter("a.example", at)) continue;
    destinations.delivered("a.example");
    destinations.leave("a.example", at);
    ++deliveries;
  }
  EXPECT_GT(deliveries, 5);
  EXPECT_LT(deliveries, 50);
  EXPECT_LT(at, start + 60s);
}

TEST(Destinations, TakeNewLimitsWithWhatIsUnderWayAndParked) {
  Destinations destinations({limit("docomo.ne.jp", 1)});
  ASSERT_TRUE(destinations.enter("docomo.ne.jp", start));
  destinations.park("docomo.ne.jp", turn(1));
  destinations.set_limits({limit("docomo.ne.jp", 3), limit("*", 1)});
  EXPECT_EQ(destinations.ready(start).size(), 1U) << "there is room now";
  EXPECT_TRUE(destinations.enter("docomo.ne.jp", start));
  EXPECT_TRUE(destinations.enter("a.example", start));
  EXPECT_FALSE(destinations.enter("a.example", start)) << "limited from now on";
  destinations.set_limits({limit("docomo.ne.jp", 1)});
  destinations.leave("docomo.ne.jp", start);
  EXPECT_FALSE(destinations.enter("docomo.ne.jp", start)) << "one is still there";
  EXPECT_TRUE(destinations.enter("a.example", start));
}

TEST(Destinations, AreForgottenWhenNothingIsLeftToRemember) {
  Destinations destinations({});
  destinations.slow_down("a.example", start, std::nullopt);
  destinations.ready(start + 2h);
  EXPECT_EQ(destinations.slowed(), 0U);
}

}  // namespace
}  // namespace ecrelay::dispatch

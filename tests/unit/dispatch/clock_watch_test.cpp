#include "dispatch/clock_watch.h"

#include <gtest/gtest.h>

namespace ecrelay::dispatch {
namespace {

using namespace std::chrono_literals;

const TimePoint noon{Duration(1'800'000'000'000)};
const ClockWatch::Steady start = ClockWatch::Steady() + 1000h;

TEST(ClockWatch, SeesNothingInAClockThatGoesOrDrifts) {
  ClockWatch watch(noon, start);
  EXPECT_EQ(watch.look(noon + 60s, start + 60s), 0s);
  EXPECT_EQ(watch.look(noon + 123s, start + 120s), 0s);
  EXPECT_EQ(watch.excess_age(noon), 0s);
  EXPECT_EQ(watch.lead(start), 0s);
}

TEST(ClockWatch, TakesAYearForwardOutOfTheAgeOfWhatWasThereBefore) {
  ClockWatch watch(noon, start);
  EXPECT_EQ(watch.look(noon + 10s + 8760h, start + 10s), 8760h);
  EXPECT_EQ(watch.excess_age(noon), 8760h);
  EXPECT_EQ(watch.excess_age(noon + 8760h + 11s), 0s) << "accepted under the new clock";
}

TEST(ClockWatch, LetsDueTimesOfTheOldClockComeAnHourEarlierForADay) {
  ClockWatch watch(noon, start);
  EXPECT_EQ(watch.look(noon - 1h + 10s, start + 10s), -1h);
  EXPECT_EQ(watch.lead(start + 23h), 1h);
  EXPECT_EQ(watch.lead(start + 25h), 0s);
  EXPECT_EQ(watch.excess_age(noon), 0s);
}

}  // namespace
}  // namespace ecrelay::dispatch

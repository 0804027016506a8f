#include "core/histogram.h"

#include <gtest/gtest.h>

namespace ecrelay {
namespace {

TEST(Histogram, ABoundHoldsWhatIsNoLarger) {
  constexpr double bounds[] = {1, 2.5};
  Histogram histogram(bounds);
  for (const double value : {0.5, 1.0, 1.5, 2.5, 2.6}) histogram.observe(value);
  EXPECT_EQ(histogram.up_to(0), 2U);
  EXPECT_EQ(histogram.up_to(1), 4U);
  EXPECT_EQ(histogram.count(), 5U);
  EXPECT_DOUBLE_EQ(histogram.sum(), 8.1);
}

TEST(Histogram, DurationsCountAsSeconds) {
  Histogram histogram(quick_bounds);
  histogram.observe(std::chrono::milliseconds(250));
  EXPECT_DOUBLE_EQ(histogram.sum(), 0.25);
}

TEST(Histogram, EverySetOfBoundsFits) {
  EXPECT_LE(std::size(quick_bounds), Histogram::most_bounds);
  EXPECT_LE(std::size(remote_bounds), Histogram::most_bounds);
  EXPECT_LE(std::size(delay_bounds), Histogram::most_bounds);
  EXPECT_LE(std::size(batch_bounds), Histogram::most_bounds);
}

}  // namespace
}  // namespace ecrelay

#include "dispatch/due_queue.h"

#include <gtest/gtest.h>

namespace ecrelay::dispatch {
namespace {

using namespace std::chrono_literals;

const TimePoint noon{Duration(1'800'000'000'000)};

Ulid message(std::uint8_t number) { return Ulid(noon, {number}); }

TEST(DueQueue, GivesWhatHasBeenDueLongestFirst) {
  DueQueue queue;
  queue.push(noon + 2s, message(2));
  queue.push(noon + 1s, message(1));
  queue.push(noon + 1s, message(3));
  EXPECT_EQ(queue.pop_due(noon + 5s), message(1));
  EXPECT_EQ(queue.pop_due(noon + 5s), message(3));
  EXPECT_EQ(queue.pop_due(noon + 5s), message(2));
  EXPECT_EQ(queue.pop_due(noon + 5s), std::nullopt);
}

TEST(DueQueue, KeepsBackWhatIsNotDueYet) {
  DueQueue queue;
  queue.push(noon + 1ms, message(1));
  EXPECT_FALSE(queue.has_due(noon));
  EXPECT_EQ(queue.pop_due(noon), std::nullopt);
  EXPECT_EQ(queue.next_due(), noon + 1ms);
  EXPECT_EQ(queue.pop_due(noon + 1ms), message(1));
  EXPECT_EQ(queue.next_due(), std::nullopt);
}

}  // namespace
}  // namespace ecrelay::dispatch

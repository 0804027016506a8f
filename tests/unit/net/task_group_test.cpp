#include "net/task_group.h"

#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <stdexcept>

#include "net/io_error.h"
#include "net/timer.h"

namespace ecrelay::net {
namespace {

using namespace std::chrono_literals;

class TaskGroupTest : public ::testing::Test {
 protected:
  asio::io_context context{1};
  int failures = 0;
  TaskGroup group{context.get_executor(), [this](const std::exception_ptr&) { ++failures; }};
};

asio::awaitable<void> wait_for_ever() { co_await sleep_until(no_deadline); }

asio::awaitable<void> fail() {
  throw std::runtime_error("lost otherwise");
  co_return;
}

asio::awaitable<void> join_into(TaskGroup& group, Deadline deadline, int& result) {
  const bool all_ended = co_await group.join(deadline);
  result = all_ended ? 1 : 0;
}

TEST_F(TaskGroupTest, StartsTasksLaterAndForgetsThemWhenTheyEnd) {
  int started = 0;
  group.spawn([](int& count) -> asio::awaitable<void> {
    ++count;
    co_return;
  }(started));
  EXPECT_EQ(started, 0);
  EXPECT_EQ(group.size(), 1U);
  context.run();
  EXPECT_EQ(started, 1);
  EXPECT_EQ(group.size(), 0U);
}

TEST_F(TaskGroupTest, TellsWhatEscapes) {
  group.spawn(fail());
  group.spawn(fail());
  context.run();
  EXPECT_EQ(failures, 2);
}

TEST_F(TaskGroupTest, StopsWhoWaitsAndIsQuietAboutIt) {
  for (int i = 0; i < 3; ++i) group.spawn(wait_for_ever());
  context.poll();
  EXPECT_EQ(group.size(), 3U);
  group.request_stop();
  context.run();
  EXPECT_EQ(group.size(), 0U);
  EXPECT_EQ(failures, 0);
}

TEST_F(TaskGroupTest, TellsARealFailureWhileStopping) {
  group.spawn([]() -> asio::awaitable<void> {
    try {
      co_await wait_for_ever();
    } catch (const IoError&) {
    }
    throw std::runtime_error("while stopping");
  }());
  context.poll();
  group.request_stop();
  context.run();
  EXPECT_EQ(failures, 1);
}

TEST_F(TaskGroupTest, StopsTasksSpawnedAfterTheRequest) {
  group.request_stop();
  bool stopped = false;
  group.spawn([](bool& seen) -> asio::awaitable<void> {
    seen = co_await stop_requested();
    co_await wait_for_ever();
  }(stopped));
  context.run();
  EXPECT_TRUE(stopped);
  EXPECT_EQ(group.size(), 0U);
}

TEST_F(TaskGroupTest, JoinsWhenTheLastTaskEnds) {
  TaskGroup owner(context.get_executor(), [](const std::exception_ptr&) { FAIL(); });
  int joined = -1;
  owner.spawn(join_into(group, after(20s), joined));
  group.spawn(wait_for_ever());
  group.spawn(wait_for_ever());
  context.poll();
  EXPECT_EQ(joined, -1);
  group.request_stop();
  context.run();
  EXPECT_EQ(joined, 1);
}

TEST_F(TaskGroupTest, JoinGivesUpAtItsDeadlineAndWithNobodyLeftReturnsAtOnce) {
  TaskGroup owner(context.get_executor(), [](const std::exception_ptr&) { FAIL(); });
  int joined = -1;
  group.spawn(wait_for_ever());
  owner.spawn(join_into(group, after(5ms), joined));
  context.run_for(100ms);
  EXPECT_EQ(joined, 0);
  group.request_stop();
  context.restart();
  context.run();
  owner.spawn(join_into(group, no_deadline, joined));
  context.restart();
  context.run();
  EXPECT_EQ(joined, 1);
}

TEST_F(TaskGroupTest, LeavesNothingBehindWhenTheContextGoesFirst) {
  auto other = std::make_unique<asio::io_context>(1);
  TaskGroup doomed(other->get_executor(), [](const std::exception_ptr&) {});
  auto alive = std::make_shared<int>(0);
  doomed.spawn([](std::shared_ptr<int> held) -> asio::awaitable<void> {
    co_await wait_for_ever();
    ++*held;
  }(alive));
  other->poll();
  EXPECT_EQ(alive.use_count(), 2);
  other.reset();
  EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
}  // namespace ecrelay::net

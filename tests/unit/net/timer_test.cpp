#include "net/timer.h"

#include <boost/asio/post.hpp>

#include "unit/net/loop.h"

namespace ecrelay::net {
namespace {

using namespace std::chrono_literals;
using EventTest = Loop;

asio::awaitable<void> note_wake(Event& event, std::string& order, char name) {
  co_await event.wait();
  order += name;
}

TEST_F(EventTest, WakesTheOneWhoWaitsLongestOrAll) {
  Event event(executor());
  std::string order;
  for (const char name : {'a', 'b', 'c', 'd'}) spawn(note_wake(event, order, name));
  context.poll();
  EXPECT_EQ(event.waiting(), 4U);
  event.notify_one();
  event.notify_one();
  context.poll();
  EXPECT_EQ(order, "ab");
  event.notify_all();
  run();
  EXPECT_EQ(order, "abcd");
}

TEST_F(EventTest, DoesNotRememberANotification) {
  Event event(executor());
  event.notify_all();
  bool woken = true;
  spawn([](Event& waited, bool& result) -> asio::awaitable<void> {
    result = co_await waited.wait_until(after(5ms));
  }(event, woken));
  run();
  EXPECT_FALSE(woken);
  EXPECT_EQ(event.waiting(), 0U);
}

TEST_F(EventTest, DoesNotLoseANotificationToATaskThatIsStoppedInTheSameMoment) {
  Event event(executor());
  std::string order;
  spawn(note_wake(event, order, 'a'));
  context.poll();
  // Within the loop, so that the stop is there before the notified task goes on.
  asio::post(context, [&] {
    event.notify_one();
    tasks.request_stop();
  });
  run();
  EXPECT_EQ(order, "a");
}

TEST_F(EventTest, WakesItsWaitersWhenItGoes) {
  auto event = std::make_unique<Event>(executor());
  std::string order;
  spawn(note_wake(*event, order, 'a'));
  context.poll();
  event.reset();
  run();
  EXPECT_EQ(order, "a");
}

TEST_F(EventTest, AndSleepEndWhenStopped) {
  Event event(executor());
  int stopped = 0;
  spawn([](Event& waited, int& count) -> asio::awaitable<void> {
    try {
      co_await waited.wait();
    } catch (const IoError& error) {
      count += error.stopped() ? 1 : 0;
    }
    try {
      co_await sleep_until(after(1h));
    } catch (const IoError& error) {
      count += error.stopped() ? 1 : 0;
    }
  }(event, stopped));
  context.poll();
  tasks.request_stop();
  run();
  EXPECT_EQ(stopped, 2);
  EXPECT_EQ(event.waiting(), 0U);
}

TEST_F(EventTest, SleepDoesNotEndBeforeItsTime) {
  spawn([]() -> asio::awaitable<void> {
    const Deadline when = after(5ms);
    co_await sleep_until(when);
    EXPECT_GE(std::chrono::steady_clock::now(), when);
  }());
  run();
}

}  // namespace
}  // namespace ecrelay::net

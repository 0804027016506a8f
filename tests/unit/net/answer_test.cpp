#include "net/answer.h"

#include <future>
#include <thread>

#include "unit/net/loop.h"

namespace ecrelay::net {
namespace {

using namespace std::chrono_literals;
using AnswerTest = Loop;

TEST_F(AnswerTest, BringsAResultOfAnotherThreadToTheNetworkThread) {
  std::jthread other;
  spawn([](std::jthread& thread) -> asio::awaitable<void> {
    const auto here = std::this_thread::get_id();
    for (int i = 0; i < 50; ++i) {
      Answer<std::unique_ptr<int>> answer(co_await asio::this_coro::executor);
      thread = std::jthread([done = answer.done(), i] { done(std::make_unique<int>(i)); });
      EXPECT_EQ(*co_await answer.result(), i);
      EXPECT_EQ(std::this_thread::get_id(), here);
    }
  }(other));
  run();
}

TEST_F(AnswerTest, CanComeBeforeItIsAwaited) {
  spawn([]() -> asio::awaitable<void> {
    Answer<std::string> answer(co_await asio::this_coro::executor);
    const auto done = answer.done();
    done("first");
    done("second");
    EXPECT_EQ(co_await answer.result(), "first");
  }());
  run();
}

TEST_F(AnswerTest, IsNothingWhenTheDeadlinePassesAndMayBeAskedAgain) {
  std::promise<void> released;
  std::jthread other;
  spawn([](std::promise<void>& release, std::jthread& thread) -> asio::awaitable<void> {
    Answer<int> answer(co_await asio::this_coro::executor);
    thread = std::jthread([done = answer.done(), wait = release.get_future()]() mutable {
      wait.wait();
      done(7);
    });
    EXPECT_EQ(co_await answer.result_until(after(5ms)), std::nullopt);
    release.set_value();
    EXPECT_EQ(co_await answer.result_until(after(20s)), 7);
  }(released, other));
  run();
}

TEST_F(AnswerTest, ThatComesAfterItsWaiterIsGoneIsDropped) {
  std::function<void(std::shared_ptr<int>)> late;
  spawn([](std::function<void(std::shared_ptr<int>)>& kept) -> asio::awaitable<void> {
    Answer<std::shared_ptr<int>> answer(co_await asio::this_coro::executor);
    kept = answer.done();
    EXPECT_FALSE(co_await answer.result_until(after(5ms)));
  }(late));
  run();
  const auto value = std::make_shared<int>(1);
  std::jthread([&] { late(value); }).join();
  EXPECT_EQ(value.use_count(), 1);
}

TEST_F(AnswerTest, ThatComesAfterTheContextStoppedOrWentIsDropped) {
  auto other = std::make_unique<asio::io_context>(1);
  TaskGroup group(other->get_executor(), [](const std::exception_ptr&) {});
  std::vector<std::function<void(int)>> late;
  for (int i = 0; i < 2; ++i) {
    group.spawn([](std::vector<std::function<void(int)>>& kept) -> asio::awaitable<void> {
      Answer<int> answer(co_await asio::this_coro::executor);
      kept.push_back(answer.done());
      co_await answer.result();
      ADD_FAILURE() << "resumed";
    }(late));
  }
  other->poll();
  other->stop();
  std::jthread([&] { late[0](1); }).join();
  other.reset();
  std::jthread([&] { late[1](2); }).join();
}

TEST_F(AnswerTest, IsAwaitedThoughTheTaskIsStopped) {
  std::promise<void> released;
  std::jthread other;
  int got = 0;
  spawn(
      [](std::promise<void>& release, std::jthread& thread, int& result) -> asio::awaitable<void> {
        Answer<int> answer(co_await asio::this_coro::executor);
        thread = std::jthread([done = answer.done(), wait = release.get_future()]() mutable {
          wait.wait();
          done(3);
        });
        result = co_await answer.result();
      }(released, other, got));
  context.poll();
  tasks.request_stop();
  context.poll();
  EXPECT_EQ(tasks.size(), 1U);
  released.set_value();
  run();
  EXPECT_EQ(got, 3);
}

}  // namespace
}  // namespace ecrelay::net

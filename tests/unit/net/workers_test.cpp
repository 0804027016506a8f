#include "net/workers.h"

#include <pthread.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

#include "unit/net/loop.h"

namespace ecrelay::net {
namespace {

using WorkersTest = Loop;

TEST_F(WorkersTest, RunElsewhereAndResumeHere) {
  Workers workers("test", 2);
  spawn([](Workers& pool) -> asio::awaitable<void> {
    const auto here = std::this_thread::get_id();
    auto where = pool.run([] { return std::this_thread::get_id(); });
    EXPECT_NE(co_await std::move(where), here);
    EXPECT_EQ(std::this_thread::get_id(), here);
    auto owned = pool.run([text = std::make_unique<std::string>("moved")] { return *text; });
    EXPECT_EQ(co_await std::move(owned), "moved");
    int changed = 0;
    auto nothing = pool.run([&changed] { changed = 1; });
    co_await std::move(nothing);
    EXPECT_EQ(changed, 1);
  }(workers));
  run();
}

TEST_F(WorkersTest, CarryExceptionsBack) {
  Workers workers("test", 1);
  spawn([](Workers& pool) -> asio::awaitable<void> {
    auto failing = pool.run([]() -> int { throw std::runtime_error("no key"); });
    std::string what;
    try {
      co_await std::move(failing);
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "no key");
  }(workers));
  run();
}

TEST_F(WorkersTest, CountWhatWaitsRunsAndIsDone) {
  Workers workers("test", 1);
  std::promise<void> begun;
  std::promise<void> release;
  const auto released = release.get_future().share();
  workers.post([&begun, released] {
    begun.set_value();
    released.wait();
  });
  begun.get_future().wait();
  for (int i = 0; i < 3; ++i) workers.post([] {});
  Workers::Load load = workers.load();
  EXPECT_EQ(load.threads, 1U);
  EXPECT_EQ(load.running, 1U);
  EXPECT_EQ(load.waiting, 3U);
  release.set_value();
  spawn([](Workers& pool) -> asio::awaitable<void> {
    auto last = pool.run([] {});
    co_await std::move(last);
  }(workers));
  run();
  load = workers.load();
  EXPECT_EQ(load.waiting, 0U);
  EXPECT_GE(load.done, 4U);
  EXPECT_GE(load.most_waiting, 3U);
}

TEST_F(WorkersTest, FinishWhatIsQueuedBeforeTheyGo) {
  std::atomic<int> done = 0;
  {
    Workers workers("test", 2);
    for (int i = 0; i < 100; ++i) workers.post([&done] { ++done; });
  }
  EXPECT_EQ(done, 100);
}

TEST_F(WorkersTest, AreNamedAndBlockSignals) {
  Workers workers("signer", 1);
  spawn([](Workers& pool) -> asio::awaitable<void> {
    auto look = pool.run([] {
      std::array<char, 16> name{};
      pthread_getname_np(pthread_self(), name.data(), name.size());
      sigset_t blocked;
      pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
      return std::pair(std::string(name.data()), sigismember(&blocked, SIGTERM));
    });
    const auto seen = co_await std::move(look);
    EXPECT_EQ(seen.first, "signer");
    EXPECT_EQ(seen.second, 1);
  }(workers));
  run();
}

}  // namespace
}  // namespace ecrelay::net

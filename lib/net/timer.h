#pragma once

#include <memory>

#include "net/awaitable.h"

namespace ecrelay::net {

/// Sleeps until then. A stop request throws IoError(stopped).
asio::awaitable<void> sleep_until(Deadline when);

/// A condition variable for coroutines of one thread: notify wakes who waits now and is not
/// remembered. Check the condition and wait without another co_await in between, and no wake-up is
/// lost: `while (queue.empty()) co_await event.wait();`
/// Only on the executor's thread; other threads post to it. May be destroyed while awaited: the
/// waiters wake.
class Event {
 public:
  explicit Event(asio::any_io_executor executor);
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void notify_one();  ///< who waits longest
  void notify_all();
  std::size_t waiting() const;

  /// A stop request throws IoError(stopped).
  asio::awaitable<void> wait();
  /// False when the deadline came first.
  asio::awaitable<bool> wait_until(Deadline deadline);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace ecrelay::net

#pragma once

#include <exception>
#include <functional>
#include <memory>

#include "net/awaitable.h"

namespace ecrelay::net {

/// The coroutines of one owner; every co_spawn of this project goes through one, so that stopping
/// can wait and no exception is lost. All on the executor's one thread.
class TaskGroup {
 public:
  /// An exception that escaped a task. Not told: IoError(stopped) and cancellations after
  /// request_stop().
  using OnFailure = std::function<void(std::exception_ptr)>;

  TaskGroup(asio::any_io_executor executor, OnFailure on_failure);
  /// Tasks that still run go on without their group (their failures are still told): join() first.
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts a task soon, never inside this call. After request_stop() it starts with the request
  /// already made.
  void spawn(asio::awaitable<void> task);
  /// Asks every task to end (called on the network thread, or before it runs). What waits for the
  /// outside fails with IoError(stopped), later ones too: reads, handshakes, connects, sleeps,
  /// events. What other threads were given (Answer, Workers::run) is awaited to its end, and writes
  /// are bounded by their deadline.
  void request_stop();
  bool stopping() const;
  std::size_t size() const;

  /// Waits until no task is left; false when the deadline came first. Not itself ended by a stop
  /// request, so the one who stops can wait; one at a time, and not by a task of the group.
  asio::awaitable<bool> join(Deadline deadline);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Whether the task that asks was told to stop.
asio::awaitable<bool> stop_requested();

}  // namespace ecrelay::net

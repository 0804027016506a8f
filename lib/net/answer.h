#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "net/awaitable.h"

namespace ecrelay::net {

namespace detail {

/// The untyped half of Answer: one arrival, told by any thread, awaited by one coroutine.
class Arrival {
 public:
  explicit Arrival(asio::any_io_executor executor);
  ~Arrival();
  Arrival(const Arrival&) = delete;
  Arrival& operator=(const Arrival&) = delete;

  /// Runs `keep` unless the waiter is gone or this was called before, and wakes the waiter. Any
  /// thread.
  void arrive(const std::function<void()>& keep);
  /// After this returns arrive() does nothing and touches no executor. Network thread.
  void abandon();
  /// True when it arrived before the deadline. Not ended by stop requests.
  static asio::awaitable<bool> wait(std::shared_ptr<Arrival> self, Deadline deadline);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace detail

/// An awaited callback of another thread: the bridge from APIs that call `done(result)`, such as
/// the store's, back to the network thread.
///
///     net::Answer<Stored> answer(co_await asio::this_coro::executor);
///     store.submit(std::move(message), answer.done());
///     std::optional<Stored> stored = co_await answer.result_until(deadline);
///
/// done() may be called by any thread, before or after the wait begins, late, or never. The first
/// call counts. A result that comes after the deadline, after the Answer is gone, or after the
/// io_context stopped is dropped. The io_context itself must outlive the threads that call done()
/// for an Answer still awaited.
/// A stop request does not end the wait: what was handed over will be answered.
/// (An object and not a function taking a lambda: g++ 12.2 destroys capturing lambdas inside a
/// co_await expression twice.)
template <typename T>
class Answer {
 public:
  explicit Answer(asio::any_io_executor executor)
      : box_(std::make_shared<Box>(std::move(executor))) {}
  ~Answer() {
    if (box_) box_->arrival.abandon();
  }
  Answer(Answer&&) noexcept = default;
  Answer& operator=(Answer&&) = delete;

  /// The callback to hand over; may be copied.
  std::function<void(T)> done() const {
    return [box = box_](T value) {
      box->arrival.arrive([&] { box->value.emplace(std::move(value)); });
    };
  }

  /// The result, however long it takes. Once.
  asio::awaitable<T> result() {
    co_await detail::Arrival::wait(arrival(), no_deadline);
    co_return std::move(*box_->value);
  }

  /// The result, or nothing when the deadline passed first; it may be asked again with a later one.
  asio::awaitable<std::optional<T>> result_until(Deadline deadline) {
    std::optional<T> result;
    const bool arrived = co_await detail::Arrival::wait(arrival(), deadline);
    if (arrived) result = std::move(box_->value);
    co_return result;
  }

 private:
  struct Box {
    explicit Box(asio::any_io_executor executor) : arrival(std::move(executor)) {}
    detail::Arrival arrival;
    std::optional<T> value;
  };
  std::shared_ptr<detail::Arrival> arrival() const { return {box_, &box_->arrival}; }

  std::shared_ptr<Box> box_;
};

}  // namespace ecrelay::net

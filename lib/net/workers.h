#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

#include "net/answer.h"

namespace ecrelay::net {

/// A pool of threads for what would hold up the network thread: signing, reading bodies from disk.
class Workers {
 public:
  struct Load {
    std::size_t threads = 0;
    std::size_t waiting = 0;       ///< jobs in the queue now
    std::size_t running = 0;       ///< jobs on a thread now
    std::size_t most_waiting = 0;  ///< highest `waiting` since the start
    std::uint64_t done = 0;        ///< jobs finished since the start
  };

  /// `name` (at most 15 characters) is what top and gdb show for the threads; 0 threads means as
  /// many as the hardware has. The threads block all signals.
  Workers(const char* name, std::size_t threads);
  /// Finishes what is queued, then joins. Destroy before the io_context.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Runs `work()` on a pool thread and resumes here with its result or its exception. Not ended
  /// by stop requests. The queue has no limit of its own: at most one job per awaiting coroutine.
  /// `work` owns what it needs, by value. Never write the lambda inside the co_await expression
  /// (g++ 12.2 destroys it twice):
  ///     auto signing = workers.run([head = std::move(head), signer] { return signer->sign(head);
  ///     }); auto fields = co_await std::move(signing);
  template <typename F>
  asio::awaitable<std::invoke_result_t<F&>> run(F work);

  /// Runs `work()` (must not throw) on a pool thread. Any thread may call.
  void post(std::function<void()> work);
  Load load() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

namespace detail {

template <typename R>
using Outcome =
    std::variant<std::exception_ptr, std::conditional_t<std::is_void_v<R>, std::monostate, R>>;

template <typename R, typename F>
Outcome<R> outcome_of(F& work) {
  try {
    if constexpr (std::is_void_v<R>) {
      work();
      return Outcome<R>(std::in_place_index<1>);
    } else {
      return Outcome<R>(std::in_place_index<1>, work());
    }
  } catch (...) {
    return Outcome<R>(std::in_place_index<0>, std::current_exception());
  }
}

}  // namespace detail

template <typename F>
asio::awaitable<std::invoke_result_t<F&>> Workers::run(F work) {
  using R = std::invoke_result_t<F&>;
  Answer<detail::Outcome<R>> answer(co_await asio::this_coro::executor);
  // std::function copies its target; what work owns may be movable only.
  auto shared = std::make_shared<F>(std::move(work));
  post([shared, done = answer.done()]() mutable {
    auto outcome = detail::outcome_of<R>(*shared);
    shared.reset();  // what the work owned is gone before the waiter goes on
    done(std::move(outcome));
  });
  shared.reset();
  detail::Outcome<R> outcome = co_await answer.result();
  if (outcome.index() == 0) std::rethrow_exception(std::get<0>(outcome));
  if constexpr (!std::is_void_v<R>) co_return std::get<1>(std::move(outcome));
}

}  // namespace ecrelay::net

#include "net/task_group.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <list>

#include "net/io_error.h"
#include "net/waiter.h"

namespace ecrelay::net {

namespace {

bool is_stop(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const IoError& error) {
    return error.stopped();
  } catch (const boost::system::system_error& error) {
    return error.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace

struct TaskGroup::State {
  struct Task {
    asio::cancellation_signal signal;
    bool begun = false;
  };
  using Tasks = std::list<Task>;

  State(asio::any_io_executor on, OnFailure tell)
      : executor(std::move(on)), on_failure(std::move(tell)) {}

  /// A task that has not begun asks for itself when it does: until then asio would throw the
  /// cancellation out of the io_context's run() (Boost 1.81, co_spawn_entry_point).
  static void stop(Task& task) {
    if (task.begun) task.signal.emit(asio::cancellation_type::terminal);
  }

  void finish(Tasks::iterator task, const std::exception_ptr& failure) {
    tasks.erase(task);
    if (tasks.empty() && joining != nullptr) joining->cancel();
    if (failure && !(stopping && is_stop(failure))) on_failure(failure);
  }

  static asio::awaitable<void> supervised(std::shared_ptr<State> state, Tasks::iterator self,
                                          asio::awaitable<void> task);

  asio::any_io_executor executor;
  OnFailure on_failure;
  Tasks tasks;
  asio::steady_timer* joining = nullptr;  // in the frame of join()
  bool stopping = false;
};

asio::awaitable<void> TaskGroup::State::supervised(std::shared_ptr<State> state,
                                                   Tasks::iterator self,
                                                   asio::awaitable<void> task) {
  // Tasks decide themselves when a stop ends them (Stream::set_stoppable), so asio must not throw
  // into every co_await of theirs once it was requested.
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await asio::post(state->executor, asio::use_awaitable);
  self->begun = true;
  if (state->stopping) stop(*self);
  co_await std::move(task);
}

TaskGroup::TaskGroup(asio::any_io_executor executor, OnFailure on_failure)
    : state_(std::make_shared<State>(std::move(executor), std::move(on_failure))) {}
TaskGroup::~TaskGroup() = default;

void TaskGroup::spawn(asio::awaitable<void> task) {
  const auto place = state_->tasks.emplace(state_->tasks.end());
  auto finished = [state = state_, place](const std::exception_ptr& failure) {
    state->finish(place, failure);
  };
  asio::co_spawn(state_->executor, State::supervised(state_, place, std::move(task)),
                 asio::bind_cancellation_slot(place->signal.slot(), std::move(finished)));
}

void TaskGroup::request_stop() {
  state_->stopping = true;
  // From outside the loop co_spawn's handler would post a pointer into the signal, which is gone
  // when the task ends first (Boost 1.81, co_spawn_cancellation_handler); inside it runs at once.
  asio::dispatch(state_->executor, [state = state_] {
    for (State::Task& task : state->tasks) State::stop(task);
  });
}

bool TaskGroup::stopping() const { return state_->stopping; }
std::size_t TaskGroup::size() const { return state_->tasks.size(); }

asio::awaitable<bool> stop_requested() {
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() != asio::cancellation_type::none;
}

asio::awaitable<bool> TaskGroup::join(Deadline deadline) {
  const auto state = state_;
  asio::steady_timer timer(state->executor, deadline);
  state->joining = &timer;
  while (!state->tasks.empty() && std::chrono::steady_clock::now() < deadline) {
    co_await wait_for(timer, false);
  }
  state->joining = nullptr;
  co_return state->tasks.empty();
}

}  // namespace ecrelay::net

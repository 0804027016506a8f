#include "net/timer.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <list>

#include "net/io_error.h"
#include "net/task_group.h"
#include "net/waiter.h"

namespace ecrelay::net {

asio::awaitable<void> wait_for(asio::steady_timer& timer, bool stoppable) {
  boost::system::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  if (stoppable) {
    co_await timer.async_wait(token);
  } else {
    auto undisturbed = asio::bind_cancellation_slot(asio::cancellation_slot(), token);
    co_await timer.async_wait(undisturbed);
  }
}

void throw_stopped() {
  throw IoError(Trouble::stopped, "stopped", std::make_error_code(std::errc::operation_canceled));
}

asio::awaitable<void> sleep_until(Deadline when) {
  const bool stopped_before = co_await stop_requested();
  if (stopped_before) throw_stopped();
  asio::steady_timer timer(co_await asio::this_coro::executor, when);
  co_await wait_for(timer, true);
  const bool stopped = co_await stop_requested();
  if (stopped) throw_stopped();
}

namespace {

/// One waiting coroutine; lives in its frame and takes itself off the list when that is destroyed.
struct Waiter {
  using List = std::list<Waiter*>;

  Waiter(const asio::any_io_executor& executor, Deadline deadline, std::shared_ptr<List> in)
      : timer(executor, deadline), list(std::move(in)), place(list->insert(list->end(), this)) {}
  ~Waiter() { leave(); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  void leave() {
    if (place != list->end()) list->erase(place);
    place = list->end();
  }

  void notify() {
    notified = true;
    leave();
    timer.cancel();
  }

  asio::steady_timer timer;
  std::shared_ptr<List> list;
  List::iterator place;
  bool notified = false;
};

}  // namespace

struct Event::State {
  explicit State(asio::any_io_executor on) : executor(std::move(on)) {}

  void notify_all() {
    while (!waiters->empty()) waiters->front()->notify();
  }

  asio::any_io_executor executor;
  std::shared_ptr<Waiter::List> waiters = std::make_shared<Waiter::List>();
};

Event::Event(asio::any_io_executor executor)
    : state_(std::make_shared<State>(std::move(executor))) {}
Event::~Event() { state_->notify_all(); }

void Event::notify_one() {
  if (!state_->waiters->empty()) state_->waiters->front()->notify();
}
void Event::notify_all() { state_->notify_all(); }
std::size_t Event::waiting() const { return state_->waiters->size(); }

asio::awaitable<void> Event::wait() { co_await wait_until(no_deadline); }

asio::awaitable<bool> Event::wait_until(Deadline deadline) {
  const bool stopped = co_await stop_requested();
  if (stopped) throw_stopped();
  Waiter waiter(state_->executor, deadline, state_->waiters);
  co_await wait_for(waiter.timer, true);
  // A notification counts even when a stop came with it: it was taken from the others who wait.
  if (waiter.notified) co_return true;
  const bool told_to_stop = co_await stop_requested();
  if (told_to_stop) throw_stopped();
  co_return false;
}

}  // namespace ecrelay::net

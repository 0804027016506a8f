#include "net/answer.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/waiter.h"

namespace ecrelay::net::detail {

struct Arrival::State {
  explicit State(asio::any_io_executor on) : executor(std::move(on)) {}

  void wake() {
    arrived = true;
    if (waiting != nullptr) waiting->cancel();
  }

  std::mutex mutex;
  asio::any_io_executor executor;
  bool closed = false;                    // under the mutex: arrived or abandoned
  bool arrived = false;                   // network thread
  asio::steady_timer* waiting = nullptr;  // network thread
};

Arrival::Arrival(asio::any_io_executor executor)
    : state_(std::make_shared<State>(std::move(executor))) {}
Arrival::~Arrival() = default;

void Arrival::arrive(const std::function<void()>& keep) {
  // Posting under the mutex keeps abandon(), and with it the end of the io_context, waiting.
  const std::lock_guard lock(state_->mutex);
  if (state_->closed) return;
  state_->closed = true;
  keep();
  asio::post(state_->executor, [state = state_] { state->wake(); });
}

void Arrival::abandon() {
  const std::lock_guard lock(state_->mutex);
  state_->closed = true;
}

asio::awaitable<bool> Arrival::wait(std::shared_ptr<Arrival> self, Deadline deadline) {
  State& state = *self->state_;
  asio::steady_timer timer(state.executor, deadline);
  struct Attached {
    Attached(State& to, asio::steady_timer& with) : state(to) { state.waiting = &with; }
    ~Attached() { state.waiting = nullptr; }
    State& state;
  } const attached(state, timer);
  while (!state.arrived && std::chrono::steady_clock::now() < deadline) {
    co_await wait_for(timer, false);
  }
  co_return state.arrived;
}

}  // namespace ecrelay::net::detail

#include "net/workers.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace ecrelay::net {

struct Workers::State {
  void work();

  mutable std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> queue;
  Load load;
  bool ending = false;
  std::vector<std::thread> threads;
};

void Workers::State::work() {
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [this] { return ending || !queue.empty(); });
    if (queue.empty()) return;
    std::function<void()> job = std::move(queue.front());
    queue.pop_front();
    ++load.running;
    lock.unlock();
    job();
    job = nullptr;  // what it owned goes here, not under the lock
    lock.lock();
    --load.running;
    ++load.done;
  }
}

Workers::Workers(const char* name, std::size_t threads) : state_(std::make_unique<State>()) {
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  state_->load.threads = threads;
  // Threads inherit the mask: signals belong to the network thread.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  for (std::size_t i = 0; i < threads; ++i) {
    state_->threads.emplace_back([state = state_.get()] { state->work(); });
    pthread_setname_np(state_->threads.back().native_handle(), name);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Workers::~Workers() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
  }
  state_->changed.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

void Workers::post(std::function<void()> work) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->queue.push_back(std::move(work));
    state_->load.most_waiting = std::max(state_->load.most_waiting, state_->queue.size());
  }
  state_->changed.notify_one();
}

Workers::Load Workers::load() const {
  const std::lock_guard lock(state_->mutex);
  Load load = state_->load;
  load.waiting = state_->queue.size();
  return load;
}

}  // namespace ecrelay::net

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dispatch/courier.h"
#include "dispatch/pool.h"
#include "dispatch/recorder.h"
#include "dispatch/workload.h"
#include "net/task_group.h"
#include "net/timer.h"

namespace ecrelay::dispatch {

/// For `status`.
struct UpstreamState {
  struct Server {
    std::string address;
    std::size_t connections = 0;
    std::optional<TimePoint> closed_until;  ///< by its breaker
    std::string trouble;                    ///< the last one; "" when the last try worked
  };
  std::string name;
  bool removed = false;  ///< from the configuration, and not yet empty
  std::size_t connections = 0;
  std::size_t limit = 0;
  std::size_t idle = 0;
  std::size_t in_flight = 0;  ///< messages
  std::size_t waiting = 0;    ///< entries in the index of due messages
  std::size_t parked = 0;     ///< of them, those that wait for their recipient's domain
  std::size_t slowed = 0;     ///< recipient domains that asked for less
  std::vector<Server> servers;
  Tally tally;
};

/// One pool of smarthost servers with the messages that wait for it: takes what is due, in fair
/// turns of shops and lanes, over at most `connections` connections that are kept and used again.
/// A message that a server fails before its body was sent goes to the next server at once. Every
/// outcome goes to the book in one transaction; a connection does not wait for it. Network thread.
class Upstream {
 public:
  /// All outlive the upstream. What `rules` say may change.
  Upstream(Ports& ports, BodyMemory& memory, std::shared_ptr<const Route> route,
           const Rules& rules);

  /// The messages that go by this upstream.
  Workload& workload() { return workload_; }

  void start();
  /// Reached this way from now on. A connection over another route ends after the transaction it is
  /// in.
  void adopt(std::shared_ptr<const Route> route);
  /// Nothing waits, nothing is being sent and nobody is connected.
  bool is_empty() const;

  /// Connections end after the transaction they are in.
  void drain();
  /// After drain(): returns when nothing runs any more. What has not ended by the deadline is told
  /// to stop.
  asio::awaitable<void> stop(net::Deadline deadline);
  UpstreamState state() const;
  /// An attempt of the run before, whose end nobody saw: its recipients are in doubt. After
  /// start().
  void recall(const Job& job, store::Flights::Slot slot);

 private:
  using Steady = std::chrono::steady_clock::time_point;

  asio::awaitable<void> keep_time();
  asio::awaitable<void> probe(std::shared_ptr<Pool> pool, std::size_t server);
  asio::awaitable<void> serve(Counted counted);
  asio::awaitable<void> serve_with(Courier& courier);
  asio::awaitable<bool> carry(Courier& courier, Job& job);
  asio::awaitable<bool> deliver(Courier& courier, Job& job);
  asio::awaitable<bool> open_any(Courier& courier, const Job& job, std::vector<bool>& tried);
  asio::awaitable<void> transact(Courier& courier, Job& job, bool may_move);
  asio::awaitable<std::optional<Job>> take_job();
  asio::awaitable<bool> wait_for_work();
  asio::awaitable<bool> await_memory(Job& job);
  asio::awaitable<bool> fetch_body(Job& job);
  asio::awaitable<void> settle(std::shared_ptr<const Ending> ending, store::Flights::Slot slot);

  void take_batch(const Pool& pool, Job& job, std::vector<Job::Recipient>& rest) const;
  void judge_server(const Courier& courier, const std::vector<smtp::RecipientResult>& results,
                    bool was_idle);
  void conclude_and_settle(const Job& job, const std::vector<smtp::RecipientResult>& results,
                           const Attempted& attempted, store::Flights::Slot slot = std::nullopt);
  Attempted attempted_by(const Courier& courier, const Job& job, Steady began) const;
  void blame(Pool& pool, std::size_t server, const std::string& address,
             const smtp::RecipientResult& result);
  Steady next_wake(Steady steady) const;
  bool paced(Steady steady) const { return steady < next_start_; }
  void stir();
  void grow();

  const config::Upstream& settings() const { return pool_->settings(); }
  bool may_go_on(const Courier& courier) const;

  Ports& ports_;
  BodyMemory& memory_;
  const Rules& rules_;
  std::shared_ptr<Pool> pool_;  ///< of the route in force
  Workload workload_;
  Recorder recorder_;
  Steady wake_at_{};     ///< of the time keeper
  Steady next_start_{};  ///< by messages_per_second: no transaction begins before
  std::size_t connections_ = 0;
  bool draining_ = false;
  net::Event work_;   ///< idle connections wait for it
  net::Event clock_;  ///< the time keeper waits for it
  bool started_ = false;
  net::TaskGroup tasks_;
};

}  // namespace ecrelay::dispatch

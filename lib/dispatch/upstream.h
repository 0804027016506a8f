#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "config/settings.h"
#include "dispatch/conclusion.h"
#include "dispatch/courier.h"
#include "dispatch/due_queue.h"
#include "dispatch/servers.h"
#include "log/events.h"
#include "net/task_group.h"
#include "net/timer.h"
#include "net/workers.h"
#include "store/writer.h"

namespace ecrelay::dispatch {

/// What all upstreams work with; outlives them. Callbacks run on the network thread, but for
/// read_body, which runs on a worker.
struct Ports {
  asio::any_io_executor executor;
  net::Resolver& resolver;
  net::Workers& workers;
  store::Writer& writer;
  std::function<Result<records::Body>(const Ulid&, const records::Location&)> read_body;
  std::function<std::vector<store::QueueItem>(const Ulid&)>
      waiting;  ///< what the book has queued of it
  std::function<void(const std::string& shop, Money amount, TimePoint at)> on_charged;
  std::function<void(std::int64_t)> on_finished;  ///< so many recipients left the queue
};

/// How attempts ended since the start, by recipient.
struct Tally {
  std::uint64_t sent = 0;
  std::uint64_t deferred = 0;
  std::uint64_t bounced = 0;
  std::uint64_t expired = 0;
};

/// For `status`.
struct UpstreamState {
  struct Server {
    std::string address;
    std::size_t connections = 0;
    std::optional<TimePoint> closed_until;  ///< by its breaker
    std::string trouble;                    ///< the last one; "" when the last try worked
  };
  std::string name;
  std::size_t connections = 0;
  std::size_t limit = 0;
  std::size_t idle = 0;
  std::size_t in_flight = 0;  ///< messages
  std::size_t waiting = 0;    ///< entries in the index of due messages
  std::vector<Server> servers;
  Tally tally;
};

/// One pool of smarthost servers with the messages that wait for it: takes what is due, oldest
/// first, over at most `connections` connections that are kept and used again. Every outcome goes
/// to the book in one transaction; a connection does not wait for it. Network thread.
class Upstream {
 public:
  /// Throws std::runtime_error when TLS towards it cannot be set up.
  Upstream(Ports& ports, const config::Upstream& settings, const Rules& rules,
           std::string hostname);

  /// A message accepted a moment ago. Its body is kept in memory while `fresh_limit` allows.
  void announce(Job job);
  /// A message that the book has queued.
  void push(TimePoint due, const Ulid& message);

  /// Takes a message out while its rows are changed by hand; false, and nothing taken, when it is
  /// being delivered.
  bool withhold(const Ulid& message);
  /// Ends withhold(); what the book has queued of it is delivered when it is due.
  void give_back(const Ulid& message);

  /// Runs until the group is told to stop.
  void start(net::TaskGroup& group);
  /// Connections end after the transaction they are in.
  void drain();
  UpstreamState state() const;

 private:
  asio::awaitable<void> keep_time();
  asio::awaitable<void> serve(Counted counted);
  asio::awaitable<void> serve_with(Courier& courier);
  asio::awaitable<bool> carry(Courier& courier, Job& job);
  asio::awaitable<bool> open_any(Courier& courier, const Job& job);
  asio::awaitable<std::optional<Job>> take_job();
  asio::awaitable<bool> wait_for_work();
  asio::awaitable<bool> fetch_body(Job& job);
  asio::awaitable<void> transact(Courier& courier, Job& job);
  asio::awaitable<void> settle(std::shared_ptr<const Job> job, Conclusion conclusion,
                               Attempted attempted);
  void conclude_and_settle(const Job& job, const std::vector<smtp::RecipientResult>& results,
                           Attempted attempted);
  void tell(const Job& job, const Conclusion& conclusion, const Attempted& attempted) const;
  void account(const Job& job, const Conclusion& conclusion);
  void grow();

  /// A message that somebody works on: by how many, and when it is due again afterwards.
  struct Flight {
    int holds = 0;
    std::optional<TimePoint> next;

    void due_by(TimePoint due) { next = next ? std::min(*next, due) : due; }
  };
  void let_go(const Ulid& message);
  Attempted attempted_by(const Courier& courier, std::chrono::steady_clock::time_point began) const;
  log::Delivery delivery(const Job& job, std::size_t index, const Attempted& attempted) const;

  Ports& ports_;
  const config::Upstream settings_;
  const Rules& rules_;
  std::string hostname_;
  std::optional<net::TlsClient> tls_;
  Servers servers_;
  std::vector<std::size_t> open_connections_;  ///< by server
  DueQueue due_;
  std::unordered_map<Ulid, Job> fresh_;
  std::size_t fresh_bytes_ = 0;
  std::unordered_map<Ulid, Flight> in_flight_;
  std::size_t connections_ = 0;
  Tally tally_;
  bool draining_ = false;
  net::Event work_;   ///< idle connections wait for it
  net::Event clock_;  ///< the time keeper waits for it
  net::TaskGroup* group_ = nullptr;
};

}  // namespace ecrelay::dispatch

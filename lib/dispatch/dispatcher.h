#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.h"
#include "dispatch/upstream.h"
#include "net/task_group.h"

namespace ecrelay::dispatch {

/// Everything that is due finds its way to its upstream. Network thread.
class Dispatcher {
 public:
  /// Throws std::runtime_error for settings that cannot work (a CA file, a price list without a
  /// price for today).
  Dispatcher(Ports ports, const config::Settings& settings);

  /// Starts the upstreams.
  void start();
  /// A message accepted a moment ago, and what of it waits for delivery.
  void announce(const std::string& upstream, Job job, records::Lane lane);
  /// A message the book has queued: at start-up, and when somebody wants it tried at once.
  void push(const std::string& upstream, TimePoint due, const Ulid& message,
            const std::string& shop, records::Lane lane);
  /// The same for what an operator asked for by name: it takes turns of its own beside the shops.
  void push_asked(const std::string& upstream, TimePoint due, const Ulid& message);
  /// As of Workload.
  bool withhold(const std::string& upstream, const Ulid& message);
  void give_back(const std::string& upstream, const Ulid& message);

  /// No new transaction begins; returns when those under way are in the book, or at the deadline.
  asio::awaitable<void> stop(net::Deadline deadline);
  std::vector<UpstreamState> state() const;

 private:
  Upstream& find(const std::string& name);

  Ports ports_;
  Rules rules_;
  std::map<std::string, std::unique_ptr<Upstream>> upstreams_;
  net::TaskGroup tasks_;
};

}  // namespace ecrelay::dispatch

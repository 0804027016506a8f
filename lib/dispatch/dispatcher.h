#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dispatch/plan.h"
#include "dispatch/upstream.h"
#include "store/queue.h"

namespace ecrelay::dispatch {

/// Everything that is due finds its way to its upstream. Network thread.
class Dispatcher {
 public:
  Dispatcher(Ports ports, Plan plan);

  /// Starts the upstreams.
  void start();
  /// Flights of the run before that nobody saw land: their recipients are in doubt (P3). After
  /// start(), and before the backlog.
  void recall(const std::vector<store::Flights::Lost>& lost);

  /// What earlier runs left queued, page by page, while mail is served already. A book that cannot
  /// be read is asked again.
  asio::awaitable<void> load(store::QueueReader& backlog);

  /// By this plan from now on, in one step: every rule holds for what is concluded next. An
  /// upstream that it lacks delivers what still comes to it and waits for it as before, until it is
  /// empty and nobody can send by it any more, which is when `senders` is gone.
  void adopt(Plan plan, std::weak_ptr<const void> senders);
  /// Ends the upstreams of earlier plans that are not needed any more.
  asio::awaitable<void> sweep();
  const Routes& routes() const { return routes_; }

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
  /// An upstream, and once it is removed who may still send by it.
  struct Branch {
    std::unique_ptr<Upstream> upstream;
    std::weak_ptr<const void> senders{};
    bool removed = false;

    bool is_over() const { return removed && senders.expired() && upstream->is_empty(); }
  };
  void push_page(const std::vector<store::QueueItem>& page);
  Upstream& find(const std::string& name);
  Branch& branch(const std::string& name, const std::shared_ptr<const Route>& route);

  Ports ports_;
  BodyMemory memory_;
  Rules rules_;  ///< all upstreams look at these
  Routes routes_;
  std::map<std::string, Branch> branches_;
  bool started_ = false;
};

}  // namespace ecrelay::dispatch

#include "dispatch/dispatcher.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "log/events.h"
#include "net/timer.h"

namespace ecrelay::dispatch {
namespace {

constexpr std::size_t backlog_page = 1000;
constexpr std::chrono::milliseconds page_pause{1};
constexpr std::chrono::milliseconds unreadable_pause{5000};

}  // namespace

Dispatcher::Dispatcher(Ports ports, Plan plan)
    : ports_(std::move(ports)),
      memory_(ports_.executor, plan.rules.body_memory),
      rules_(std::move(plan.rules)),
      routes_(std::move(plan.routes)) {
  for (const auto& [name, route] : routes_) branch(name, route);
}

/// The branch of this name, made when there is none.
Dispatcher::Branch& Dispatcher::branch(const std::string& name,
                                       const std::shared_ptr<const Route>& route) {
  Branch& found = branches_[name];
  if (!found.upstream) {
    found.upstream = std::make_unique<Upstream>(ports_, memory_, route, rules_);
    if (started_) found.upstream->start();
  }
  return found;
}

void Dispatcher::start() {
  started_ = true;
  for (auto& [name, branch] : branches_) branch.upstream->start();
}

void Dispatcher::adopt(Plan plan, std::weak_ptr<const void> senders) {
  rules_ = std::move(plan.rules);
  memory_.set_limit(rules_.body_memory);
  routes_ = std::move(plan.routes);
  for (const auto& [name, route] : routes_) {
    Branch& kept = branch(name, route);
    kept.removed = false;
    kept.upstream->adopt(route);
  }
  for (auto& [name, branch] : branches_) {
    if (branch.removed || routes_.contains(name)) continue;
    branch.removed = true;
    branch.senders = senders;
  }
}

asio::awaitable<void> Dispatcher::sweep() {
  std::vector<std::unique_ptr<Upstream>> over;
  for (auto place = branches_.begin(); place != branches_.end();) {
    const bool gone = place->second.is_over();
    if (gone) over.push_back(std::move(place->second.upstream));
    place = gone ? branches_.erase(place) : std::next(place);
  }
  for (const auto& upstream : over) upstream->drain();
  for (const auto& upstream : over) co_await upstream->stop(net::after(std::chrono::seconds(5)));
}

void Dispatcher::recall(const std::vector<store::Flights::Lost>& lost) {
  for (const auto& [flight, slot] : lost) {
    std::vector<store::QueueItem> items;
    try {
      items = ports_.waiting(flight.message);
    } catch (const store::Failure& failure) {
      log::store_trouble("read queue", flight.message.text() + ": " + failure.what());
      continue;  // it keeps its mark for the next start
    }
    std::erase_if(items, [&](const store::QueueItem& item) { return !flight.holds(item.n); });
    if (items.empty()) {
      ports_.flights.landed(slot);
    } else {
      find(items.front().upstream).recall(job_of(items), slot);
    }
  }
}

asio::awaitable<void> Dispatcher::load(store::QueueReader& backlog) {
  for (;;) {
    std::optional<std::vector<store::QueueItem>> page;
    try {
      page = backlog.next(backlog_page);
    } catch (const store::Failure& failure) {
      log::store_trouble("read queue", failure.what());
    }
    if (page && page->empty()) co_return;
    if (page) push_page(*page);
    const net::Deadline next = net::after(page ? page_pause : unreadable_pause);
    co_await net::sleep_until(next);
  }
}

void Dispatcher::push_page(const std::vector<store::QueueItem>& page) {
  Ulid last;
  for (const store::QueueItem& item : page) {
    // One entry serves all recipients of a message that are due together.
    if (item.message != last) push(item.upstream, item.due, item.message, item.shop, item.lane);
    last = item.message;
  }
}

void Dispatcher::announce(const std::string& upstream, Job job, records::Lane lane) {
  find(upstream).workload().announce(std::move(job), lane);
}

void Dispatcher::push(const std::string& upstream, TimePoint due, const Ulid& message,
                      const std::string& shop, records::Lane lane) {
  find(upstream).workload().push(due, message, shop, lane);
}

void Dispatcher::push_asked(const std::string& upstream, TimePoint due, const Ulid& message) {
  find(upstream).workload().push(due, message, std::string(), records::Lane::transactional);
}

bool Dispatcher::withhold(const std::string& upstream, const Ulid& message) {
  return find(upstream).workload().withhold(message);
}

void Dispatcher::give_back(const std::string& upstream, const Ulid& message) {
  find(upstream).workload().give_back(message);
}

/// A queued message may name an upstream that the configuration lost while the relay was down: it
/// goes by the first.
Upstream& Dispatcher::find(const std::string& name) {
  const auto found = branches_.find(name);
  return *branches_.at(found == branches_.end() ? routes_.begin()->first : name).upstream;
}

asio::awaitable<void> Dispatcher::stop(net::Deadline deadline) {
  for (auto& [name, branch] : branches_) branch.upstream->drain();
  for (auto& [name, branch] : branches_) co_await branch.upstream->stop(deadline);
}

std::vector<UpstreamState> Dispatcher::state() const {
  std::vector<UpstreamState> states;
  for (const auto& [name, branch] : branches_) {
    if (branch.removed && branch.upstream->is_empty()) continue;
    states.push_back(branch.upstream->state());
    states.back().removed = branch.removed;
  }
  return states;
}

}  // namespace ecrelay::dispatch

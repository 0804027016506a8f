#include "dispatch/dispatcher.h"

#include <stdexcept>
#include <utility>

#include "log/failure.h"
#include "mail/address.h"

namespace ecrelay::dispatch {
namespace {

std::vector<policy::Price> prices_of(const config::Billing& billing) {
  std::vector<policy::Price> prices;
  for (const config::Price& each : billing.prices) {
    const bool by_message = each.unit == config::ChargeUnit::message;
    prices.push_back(policy::Price{each.from, each.yen,
                                   by_message ? policy::Unit::message : policy::Unit::recipient});
  }
  return prices;
}

policy::PriceBook price_book(const config::Settings& settings) {
  policy::PriceBook::ShopLists lists;
  for (const config::Shop& shop : settings.shops) {
    if (shop.billing) lists.emplace(shop.id, prices_of(*shop.billing));
  }
  auto book = policy::PriceBook::build(prices_of(settings.billing), std::move(lists));
  if (!book) throw std::runtime_error("billing.prices: " + book.error().detail);
  for (const config::Shop& shop : settings.shops) {
    if (!book->in_force(shop.id, now())) {
      throw std::runtime_error("billing.prices: no price is in force today for shop '" + shop.id +
                               "'; add one with an earlier 'from'");
    }
  }
  return std::move(*book);
}

Rules rules_of(const config::Settings& settings) {
  Rules rules{policy::RetryPlan{settings.retry.schedule, settings.retry.expire},
              price_book(settings),
              settings.retry.delay_warning,
              settings.hostname,
              {}};
  for (const config::Shop& shop : settings.shops) {
    rules.shops[shop.id] =
        ShopRules{shop.weight, shop.in_doubt == config::InDoubt::hold, shop.failure_reports};
    for (const config::Domain& domain : shop.domains)
      if (domain.return_path)
        rules.return_path_domains[mail::domain_key(domain.name)] = *domain.return_path;
  }
  if (settings.reports.secret)
    rules.return_paths = std::make_shared<const policy::ReturnPaths>(settings.reports.secrets(),
                                                                     settings.reports.lifetime);
  return rules;
}

}  // namespace

Dispatcher::Dispatcher(Ports ports, const config::Settings& settings)
    : ports_(std::move(ports)),
      rules_(rules_of(settings)),
      tasks_(ports_.executor, log::failure_teller("delivery")) {
  for (const config::Upstream& each : settings.upstreams) {
    upstreams_.emplace(each.name, std::make_unique<Upstream>(ports_, each, rules_));
  }
}

void Dispatcher::start() {
  for (auto& [name, upstream] : upstreams_) upstream->start(tasks_);
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

/// A queued message may name an upstream that the configuration has lost since: it goes by the
/// first.
Upstream& Dispatcher::find(const std::string& name) {
  const auto found = upstreams_.find(name);
  return found == upstreams_.end() ? *upstreams_.begin()->second : *found->second;
}

asio::awaitable<void> Dispatcher::stop(net::Deadline deadline) {
  for (auto& [name, upstream] : upstreams_) upstream->drain();
  const bool ended = co_await tasks_.join(deadline);
  if (ended) co_return;
  tasks_.request_stop();
  co_await tasks_.join(net::after(std::chrono::seconds(5)));
}

std::vector<UpstreamState> Dispatcher::state() const {
  std::vector<UpstreamState> states;
  for (const auto& [name, upstream] : upstreams_) states.push_back(upstream->state());
  return states;
}

}  // namespace ecrelay::dispatch

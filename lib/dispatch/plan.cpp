#include "dispatch/plan.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "config/difference.h"
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

Result<policy::PriceBook> price_book(const config::Settings& settings, TimePoint at) {
  policy::PriceBook::ShopLists lists;
  for (const config::Shop& shop : settings.shops) {
    if (shop.billing) lists.emplace(shop.id, prices_of(*shop.billing));
  }
  auto book = policy::PriceBook::build(prices_of(settings.billing), std::move(lists));
  if (!book) return invalid("billing.prices: " + book.error().detail);
  for (const config::Shop& shop : settings.shops) {
    if (!book->in_force(shop.id, at)) {
      return invalid("billing.prices: no price is in force today for shop '" + shop.id +
                     "'; add one with an earlier 'from'");
    }
  }
  return book;
}

Rules rules_of(const config::Settings& settings, policy::PriceBook prices) {
  Rules rules{policy::RetryPlan{settings.retry.schedule, settings.retry.expire},
              std::move(prices),
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
  rules.suppression_rules = policy::operator_rules(settings.suppression.rules);
  rules.body_memory = settings.limits.memory_of_deliveries();
  if (settings.reports.secret)
    rules.return_paths = std::make_shared<const policy::ReturnPaths>(settings.reports.secrets(),
                                                                     settings.reports.lifetime);
  return rules;
}

/// The text of the upstream's own CA file; "" where it has none.
Result<std::string> authorities_of(const config::Upstream& upstream) {
  if (!upstream.ca) return std::string();
  std::ifstream file(*upstream.ca);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (text.empty())
    return invalid("upstream '" + upstream.name + "': cannot read ca " + upstream.ca->string());
  return text;
}

Result<std::optional<net::TlsClient>> tls_of(const config::Upstream& upstream,
                                             const std::string& authorities,
                                             net::TlsMinimum minimum) {
  using Client = std::optional<net::TlsClient>;
  if (upstream.tls == config::UpstreamTls::off) return Client();
  const bool verify =
      upstream.tls == config::UpstreamTls::verify || upstream.tls == config::UpstreamTls::implicit;
  auto client = verify ? net::TlsClient::verifying(authorities, minimum)
                       : net::TlsClient::unverified(minimum);
  if (!client) return invalid("upstream '" + upstream.name + "': " + client.error().detail);
  return Client(std::move(*client));
}

Result<std::shared_ptr<const Route>> route_of(const config::Upstream& upstream,
                                              net::TlsMinimum minimum, const Routes& before) {
  auto authorities = authorities_of(upstream);
  if (!authorities) return authorities.error();
  const auto known = before.find(upstream.name);
  if (known != before.end() && known->second->authorities == *authorities &&
      known->second->minimum == minimum && config::same(known->second->settings, upstream))
    return known->second;
  auto tls = tls_of(upstream, *authorities, minimum);
  if (!tls) return tls.error();
  return std::make_shared<const Route>(
      Route{upstream, std::move(*authorities), minimum, std::move(*tls)});
}

}  // namespace

Result<Plan> make_plan(const config::Settings& settings, const Routes& before, TimePoint at) {
  std::string wrong;
  const auto complain = [&](const Error& error) {
    wrong += (wrong.empty() ? "" : "\n") + error.detail;
  };
  const auto minimum = settings.tls.minimum == config::TlsVersion::v1_3 ? net::TlsMinimum::v1_3
                                                                        : net::TlsMinimum::v1_2;
  Routes routes;
  for (const config::Upstream& upstream : settings.upstreams) {
    if (auto route = route_of(upstream, minimum, before))
      routes.emplace(upstream.name, std::move(*route));
    else
      complain(route.error());
  }
  auto prices = price_book(settings, at);
  if (!prices) complain(prices.error());
  if (!wrong.empty()) return invalid(wrong);
  return Plan{rules_of(settings, std::move(*prices)), std::move(routes)};
}

}  // namespace ecrelay::dispatch

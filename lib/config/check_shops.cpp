#include "config/checks.h"

#include <algorithm>
#include <map>

#include "config/names.h"

namespace ecrelay::config {
namespace {

/// A return path is an envelope sender of ours: its domain must not be some other shop's.
struct Owned {
  std::map<std::string, std::string> shop_by_domain;
  std::map<std::string, std::string> shop_by_return_path;
};

void check_return_path(const Domain& domain, const Shop& shop, const std::string& path,
                       Owned& owned, Reading& reading) {
  if (!domain.return_path || reading.failed(path)) return;
  const auto owner = owned.shop_by_domain.find(*domain.return_path);
  const auto [user, fresh] = owned.shop_by_return_path.emplace(*domain.return_path, shop.id);
  if (owner != owned.shop_by_domain.end() && owner->second != shop.id) {
    reading.fail_at(path, shown(*domain.return_path) + " belongs to shop " + shown(owner->second));
  } else if (!fresh && user->second != shop.id) {
    reading.fail_at(
        path, shown(*domain.return_path) + " is the return path of shop " + shown(user->second));
  } else if (owner != owned.shop_by_domain.end()) {
    reading.warn_at(path, "return path and sender share the domain " + shown(*domain.return_path) +
                              ", so its MX must be this relay");
  }
}

void check_domain(const Domain& domain, const std::string& path, Reading& reading) {
  Names selectors(reading, "selector");
  for (std::size_t i = 0; i < domain.dkim.size(); ++i) {
    selectors.take(domain.dkim[i].selector, at(path + ".dkim", i) + ".selector");
  }
  const bool by_operator = domain.unpublished == Unpublished::operator_;
  if (domain.dkim.empty() && !by_operator && !reading.failed(path)) {
    reading.warn_at(path + ".name", shown(domain.name) + " has no DKIM key: its mail goes unsigned",
                    "ecrelayctl dkim new " + domain.name + " --selector r1");
  }
}

void check_return_paths(const Settings& settings, Reading& reading) {
  Owned owned;
  for (const Shop& shop : settings.shops) {
    for (const Domain& domain : shop.domains) owned.shop_by_domain.emplace(domain.name, shop.id);
  }
  for (std::size_t s = 0; s < settings.shops.size(); ++s) {
    const Shop& shop = settings.shops[s];
    for (std::size_t d = 0; d < shop.domains.size(); ++d) {
      const std::string path = at(at("shops", s) + ".domains", d) + ".return_path";
      check_return_path(shop.domains[d], shop, path, owned, reading);
    }
  }
}

void check_shop(const Shop& shop, const std::string& path, const Known& upstreams,
                Reading& reading) {
  for (std::size_t i = 0; i < shop.domains.size(); ++i) {
    check_domain(shop.domains[i], at(path + ".domains", i), reading);
  }
  upstreams.refer(reading, path + ".upstream", shop.upstream);
  if (shop.billing) check_prices(*shop.billing, path + ".billing", reading);
}

void check_shop_names(const Settings& settings, Reading& reading) {
  Names ids(reading, "shop");
  Names domains(reading, "domain");
  Names users(reading, "user");
  for (std::size_t s = 0; s < settings.shops.size(); ++s) {
    const Shop& shop = settings.shops[s];
    const std::string path = at("shops", s);
    ids.take(shop.id, path + ".id");
    for (std::size_t i = 0; i < shop.domains.size(); ++i) {
      domains.take(shop.domains[i].name, at(path + ".domains", i) + ".name");
    }
    for (std::size_t i = 0; i < shop.users.size(); ++i) {
      users.take(shop.users[i].name, at(path + ".users", i) + ".name");
    }
  }
}

}  // namespace

void check_prices(const Billing& billing, const std::string& path, Reading& reading) {
  const std::string list = path + ".prices";
  if (billing.prices.empty() && !reading.failed(path)) {
    reading.fail_at(path, "no price", "prices: [{from: 2026-01-01, yen: \"0.1\"}]");
  }
  for (std::size_t i = 1; i < billing.prices.size(); ++i) {
    if (reading.failed(at(list, i - 1)) || reading.failed(at(list, i))) continue;
    if (billing.prices[i].from > billing.prices[i - 1].from) continue;
    reading.fail_at(at(list, i) + ".from",
                    "prices must ascend by day: " + ecrelay::to_text(billing.prices[i].from) +
                        " is not after " + ecrelay::to_text(billing.prices[i - 1].from));
  }
}

void check_shops(const Settings& settings, const Known& upstreams, Reading& reading) {
  if (settings.shops.empty() && !reading.failed("shops")) {
    reading.fail_at("shops", "there is no shop to send for");
  }
  check_shop_names(settings, reading);
  check_return_paths(settings, reading);
  for (std::size_t i = 0; i < settings.shops.size(); ++i) {
    check_shop(settings.shops[i], at("shops", i), upstreams, reading);
  }
}

}  // namespace ecrelay::config

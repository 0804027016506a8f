#include "config/checks.h"

namespace ecrelay::config {
namespace {

/// Waiting for DNS makes sense only where somebody looks.
void check_unpublished(const Settings& settings, const Domain& domain, const std::string& path,
                       Reading& reading) {
  if (domain.unpublished == Unpublished::sign || reading.failed(path)) return;
  if (!settings.dns.check_every && !reading.failed("dns.check_every")) {
    reading.fail_at(path, "nobody would notice that the key is in DNS",
                    "dns: {check_every: 6h}, or unpublished: sign");
  }
  const bool signs_for_us = settings.dkim.operator_keys || reading.failed("dkim.operator_keys");
  if (domain.unpublished == Unpublished::operator_ && !signs_for_us) {
    reading.fail_at(path, "the operator has no keys",
                    "dkim: {operator_keys: {domain: …, keys: …}}");
  }
}

}  // namespace

void check_dns(const Settings& settings, Reading& reading) {
  for (std::size_t s = 0; s < settings.shops.size(); ++s) {
    const Shop& shop = settings.shops[s];
    for (std::size_t d = 0; d < shop.domains.size(); ++d) {
      const std::string path = at(at("shops", s) + ".domains", d) + ".unpublished";
      check_unpublished(settings, shop.domains[d], path, reading);
    }
  }
  if (!settings.dkim.operator_keys) return;
  const std::vector<DkimKey>& keys = settings.dkim.operator_keys->keys;
  Names selectors(reading, "selector");
  for (std::size_t i = 0; i < keys.size(); ++i) {
    selectors.take(keys[i].selector, at("dkim.operator_keys.keys", i) + ".selector");
  }
}

}  // namespace ecrelay::config

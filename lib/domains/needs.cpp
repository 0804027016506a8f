#include "domains/needs.h"

#include "core/escape.h"
#include "core/text.h"
#include "dkim/key.h"
#include "mail/address.h"

namespace ecrelay::domains {
namespace {

void add_keys(Domain& domain, const std::vector<config::DkimKey>& configured) {
  for (const config::DkimKey& each : configured) {
    const auto key = dkim::Key::parse(each.key.value);
    if (key) {
      domain.needs.keys.push_back(dns::Needs::Key{each.selector, key->record()});
    } else {
      domain.advice.push_back("DKIM: selector " + each.selector + ": " + key.error().detail);
    }
  }
}

std::string servers_of(const config::Shop& shop, const config::Settings& settings) {
  std::string names;
  for (const config::Upstream& upstream : settings.upstreams) {
    if (upstream.name != shop.upstream) continue;
    for (const config::Server& server : upstream.servers) {
      names += (names.empty() ? "" : ", ") + server.address.host;
    }
  }
  return names;
}

void advise(Domain& domain, const config::Shop& shop, const config::Settings& settings) {
  const dns::Needs& needs = domain.needs;
  if (needs.keys.empty() && domain.advice.empty()) {
    domain.advice.push_back("DKIM: " + needs.domain +
                            " has no key, its mail leaves unsigned; ecrelayctl dkim new makes one");
  }
  if (needs.spf.empty()) {
    domain.advice.push_back("SPF: the TXT record of " + needs.return_path.value_or(needs.domain) +
                            " must name the servers that deliver for " +
                            servers_of(shop, settings) +
                            "; the configuration does not say them (dns.spf)");
  }
}

dns::Needs common_needs(const std::string& domain, const config::Settings& settings) {
  dns::Needs needs;
  needs.domain = domain;
  for (const std::string& term : settings.dns.spf) {
    if (auto parsed = dns::parse_spf_term(term)) needs.spf.push_back(std::move(*parsed));
  }
  needs.dmarc = settings.dns.dmarc;
  if (settings.reports.listen) needs.return_path_host = settings.hostname;
  needs.return_path_alias = settings.dns.return_path_alias.value_or("");
  return needs;
}

Domain of_shop(const config::Shop& shop, const config::Domain& from,
               const config::Settings& settings) {
  Domain domain;
  domain.shop = shop.id;
  domain.managed_by_operator = from.dns == config::DnsManager::operator_;
  domain.needs = common_needs(from.name, settings);
  domain.needs.return_path = from.return_path;
  domain.needs.dkim_zone = settings.dns.dkim_zone.value_or("");
  add_keys(domain, from.dkim);
  advise(domain, shop, settings);
  return domain;
}

Domain of_operator(const config::OperatorKeys& from, const config::Settings& settings) {
  Domain domain;
  domain.managed_by_operator = true;
  domain.needs = common_needs(from.domain, settings);
  add_keys(domain, from.keys);
  return domain;
}

}  // namespace

Result<Domain> find_domain(const std::string& name, const config::Settings& settings) {
  const std::string key = mail::domain_key(name);
  for (const config::Shop& shop : settings.shops) {
    for (const config::Domain& domain : shop.domains) {
      if (mail::domain_key(domain.name) == key) return of_shop(shop, domain, settings);
    }
  }
  const auto& own = settings.dkim.operator_keys;
  if (own && own->domain == key) return of_operator(*own, settings);
  const auto meant = text::suggestion(key, domain_names(settings));
  return not_found("no shop has the domain '" + printable(name, 320) + "'" +
                   (meant ? "; did you mean '" + *meant + "'?" : std::string()));
}

std::vector<std::string> domain_names(const config::Settings& settings) {
  std::vector<std::string> names;
  for (const config::Shop& shop : settings.shops) {
    for (const config::Domain& domain : shop.domains) names.push_back(domain.name);
  }
  if (settings.dkim.operator_keys) names.push_back(settings.dkim.operator_keys->domain);
  return names;
}

}  // namespace ecrelay::domains

#include "policy/admission.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "mail/address.h"

namespace ecrelay::policy {
namespace {

using Bits = std::array<std::uint8_t, 16>;

/// Prefix length in the 128-bit form that IpAddress::mapped() has.
unsigned mapped_prefix(const Network& network) {
  return network.prefix() + (network.base().is_v4() ? 96U : 0U);
}

Bits first_bits(Bits bits, unsigned prefix) {
  const std::size_t whole = prefix / 8;
  if (whole < bits.size()) {
    bits[whole] &= static_cast<std::uint8_t>(0xFF00U >> prefix % 8);
    std::fill(bits.begin() + static_cast<std::ptrdiff_t>(whole) + 1, bits.end(), std::uint8_t{0});
  }
  return bits;
}

/// RFC 1918, RFC 6598, RFC 4193, loopback and link-local: no stranger on the Internet has one.
bool is_private(const Network& network) {
  static const auto ranges = [] {
    std::vector<Network> result;
    for (const auto* text : {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
                             "127.0.0.0/8", "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1"}) {
      result.push_back(*Network::parse(text));
    }
    return result;
  }();
  return std::any_of(ranges.begin(), ranges.end(), [&](const Network& range) {
    return range.contains(network.base()) && network.prefix() >= range.prefix();
  });
}

bool too_wide_for_strangers(const Network& network) {
  return !is_private(network) && network.prefix() < (network.base().is_v4() ? 16U : 32U);
}

std::string lines(const std::vector<std::string>& faults) {
  std::string result;
  for (const auto& fault : faults) result += (result.empty() ? "" : "\n") + fault;
  return result;
}

Decision refuse(Refusal refusal, std::string reason) {
  return Decision{refusal, nullptr, std::move(reason)};
}

Decision nobodys(std::string_view domain) {
  return refuse(Refusal::domain_of_no_shop,
                "domain " + mail::domain_key(domain) + " belongs to no shop");
}

Decision anothers(std::string_view domain, const Shop& owner, const Shop& shop) {
  return refuse(
      Refusal::domain_of_another_shop,
      "domain " + mail::domain_key(domain) + " belongs to shop " + owner.id + ", not " + shop.id);
}

}  // namespace

std::size_t Admission::BitsHash::operator()(const Bits& bits) const noexcept {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, bits.data(), 8);
  std::memcpy(&low, bits.data() + 8, 8);
  return std::hash<std::uint64_t>{}(high * 0x9E3779B97F4A7C15ULL ^ low);
}

Result<Admission> Admission::build(std::vector<Host> hosts, std::vector<Shop> shops) {
  Admission admission;
  admission.hosts_ = std::move(hosts);
  admission.shops_ = std::move(shops);
  std::vector<std::string> faults;
  admission.index_shops(faults);
  admission.index_hosts(faults);
  if (!faults.empty()) return invalid(lines(faults));
  return admission;
}

void Admission::index_shops(std::vector<std::string>& faults) {
  for (std::size_t i = 0; i < shops_.size(); ++i) {
    const Shop& shop = shops_[i];
    if (shop.id.empty()) faults.push_back("a shop has no id");
    if (!shop_by_id_.emplace(shop.id, i).second) faults.push_back("two shops have id " + shop.id);
    for (const auto& domain : shop.domains) {
      const std::string key = mail::domain_key(domain);
      if (key.empty()) faults.push_back("shop " + shop.id + " has an empty domain");
      const auto [entry, fresh] = shop_by_domain_.emplace(key, i);
      if (fresh) continue;
      faults.push_back("domain " + key + " belongs to shop " + shops_[entry->second].id +
                       " and to shop " + shop.id);
    }
  }
}

void Admission::index_hosts(std::vector<std::string>& faults) {
  std::unordered_map<std::string, std::size_t> names;
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    const Host& host = hosts_[i];
    if (!names.emplace(host.name, i).second) faults.push_back("two hosts have name " + host.name);
    if (opens_to_strangers(host)) {
      faults.push_back("host " + host.name +
                       " would let strangers in: a public network this wide " +
                       "needs auth: required or a certificate");
    }
    for (const auto& shop : host.shops) {
      if (find_shop(shop) == nullptr)
        faults.push_back("host " + host.name + " names unknown shop " + shop);
    }
    for (const auto& network : host.networks) index_network(network, i, faults);
  }
}

void Admission::index_network(const Network& network, std::size_t host,
                              std::vector<std::string>& faults) {
  Family& family = network.base().is_v4() ? v4_ : v6_;
  const auto [entry, fresh] = family[mapped_prefix(network)].emplace(network.base().mapped(), host);
  if (fresh) return;
  faults.push_back("network " + network.text() + " belongs to host " + hosts_[entry->second].name +
                   " and to host " + hosts_[host].name);
}

const Host* Admission::find_host(const IpAddress& address) const {
  for (const auto& [prefix, networks] : address.is_v4() ? v4_ : v6_) {
    const auto found = networks.find(first_bits(address.mapped(), prefix));
    if (found != networks.end()) return &hosts_[found->second];
  }
  return nullptr;
}

const Shop* Admission::shop_of_domain(std::string_view domain) const {
  const auto found = shop_by_domain_.find(mail::domain_key(domain));
  return found == shop_by_domain_.end() ? nullptr : &shops_[found->second];
}

const Shop* Admission::find_shop(std::string_view id) const {
  const auto found = shop_by_id_.find(std::string(id));
  return found == shop_by_id_.end() ? nullptr : &shops_[found->second];
}

Decision Admission::allowed(const Host& host, const Shop& shop, std::string how) const {
  if (!host.may_send_for(shop)) {
    return refuse(Refusal::host_not_for_shop,
                  "host " + host.name + " may not send for shop " + shop.id);
  }
  if (shop.stopped) return refuse(Refusal::shop_stopped, "shop " + shop.id + " is stopped");
  return Decision{Refusal::none, &shop, "shop " + shop.id + " by " + how};
}

Decision Admission::admit_sender(const Host& host, const Shop* login_shop,
                                 std::optional<std::string_view> sender_domain) const {
  if (host.auth == Auth::required && login_shop == nullptr) {
    return refuse(Refusal::login_required, "host " + host.name + " must log in");
  }
  if (!sender_domain) {
    if (login_shop != nullptr) return allowed(host, *login_shop, "login");
    return Decision{Refusal::none, nullptr, "null sender: the shop is decided by header From"};
  }
  const Shop* owner = shop_of_domain(*sender_domain);
  if (owner == nullptr) return nobodys(*sender_domain);
  if (login_shop != nullptr && owner != login_shop) {
    return anothers(*sender_domain, *owner, *login_shop);
  }
  return allowed(host, *owner, login_shop != nullptr ? "login" : "sender domain");
}

Decision Admission::check_from(const Host& host, const Shop* shop,
                               std::span<const std::string> from_domains) const {
  if (shop == nullptr && host.auth == Auth::required) {
    return refuse(Refusal::login_required, "host " + host.name + " must log in");
  }
  if (from_domains.empty()) return refuse(Refusal::no_from, "header From names no mailbox");
  const std::string how = shop != nullptr ? "sender and header From" : "header From";
  for (const auto& domain : from_domains) {
    const Shop* owner = shop_of_domain(domain);
    if (owner == nullptr) return nobodys(domain);
    if (shop == nullptr) shop = owner;
    if (owner != shop) return anothers(domain, *owner, *shop);
  }
  return allowed(host, *shop, how);
}

std::vector<Step> Admission::explain(const IpAddress& address,
                                     std::optional<std::string_view> sender_domain) const {
  std::vector<Step> steps;
  const Host* host = find_host(address);
  if (host == nullptr) {
    steps.push_back({"which host is " + address.text() + "?", false,
                     "no host has a network that holds it: 554 5.7.1 instead of a banner"});
    return steps;
  }
  steps.push_back({"which host is " + address.text() + "?", true,
                   host->name + ", by network " + matching_network(*host, address)->text()});
  const bool login = host->auth == Auth::required;
  steps.push_back({"must it log in?", true, login ? "yes, under TLS" : "no"});
  steps.push_back({"must it show a certificate?", true,
                   host->certificate.empty() ? "no" : "yes: " + host->certificate});
  if (!sender_domain) return steps;
  const Shop* owner = shop_of_domain(*sender_domain);
  steps.push_back({"which shop owns " + mail::domain_key(*sender_domain) + "?", owner != nullptr,
                   owner != nullptr ? owner->id : "none: 550 5.7.1 at MAIL"});
  if (owner == nullptr) return steps;
  // Logged in as the owner, which is the only login that could pass.
  const Decision decision = admit_sender(*host, login ? owner : nullptr, sender_domain);
  steps.push_back({"may it send with this sender?", decision.admitted(), decision.reason});
  return steps;
}

const Network* matching_network(const Host& host, const IpAddress& address) {
  const Network* best = nullptr;
  for (const auto& network : host.networks) {
    if (!network.contains(address)) continue;
    if (best == nullptr || network.prefix() > best->prefix()) best = &network;
  }
  return best;
}

bool opens_to_strangers(const Host& host) {
  if (host.auth == Auth::required || !host.certificate.empty()) return false;
  return std::any_of(host.networks.begin(), host.networks.end(), too_wide_for_strangers);
}

}  // namespace ecrelay::policy

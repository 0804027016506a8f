#include "intake/site.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

#include "mail/address.h"
#include "net/workers.h"

namespace ecrelay::intake {
namespace {

policy::Host host_of(const config::Host& from) {
  policy::Host host;
  host.name = from.name;
  host.networks = from.networks;
  host.all_shops = from.shops.all;
  host.shops = from.shops.ids;
  host.auth = from.auth == config::Login::required ? policy::Auth::required : policy::Auth::none;
  host.certificate = from.certificate.value_or("");
  host.on_suppressed = from.suppressed == config::OnSuppressed::reject
                           ? policy::OnSuppressed::reject
                           : policy::OnSuppressed::accept;
  host.max_connections = from.max_connections;
  return host;
}

policy::Mode mode_of(config::ShopMode mode) {
  switch (mode) {
    case config::ShopMode::sink:
      return policy::Mode::sink;
    case config::ShopMode::hold:
      return policy::Mode::hold;
    case config::ShopMode::live:
      break;
  }
  return policy::Mode::live;
}

policy::Shop shop_of(const config::Shop& from) {
  policy::Shop shop;
  shop.id = from.id;
  shop.name = from.name;
  for (const config::Domain& domain : from.domains) shop.domains.push_back(domain.name);
  shop.upstream = from.upstream;
  shop.mode = mode_of(from.mode);
  shop.stopped = from.stopped;
  shop.limits.messages_per_second = from.limits.messages_per_second;
  shop.limits.messages_per_day = from.limits.messages_per_day;
  shop.limits.yen_per_month = from.limits.yen_per_month;
  return shop;
}

template <typename To, typename From>
std::vector<To> converted(const std::vector<From>& from, To (*convert)(const From&)) {
  std::vector<To> to;
  to.reserve(from.size());
  for (const From& each : from) to.push_back(convert(each));
  return to;
}

bool takes(const config::Upstream& upstream, dkim::Algorithm algorithm) {
  const auto wanted = algorithm == dkim::Algorithm::rsa_sha256 ? config::Signature::rsa_sha256
                                                               : config::Signature::ed25519_sha256;
  return std::find(upstream.signatures.begin(), upstream.signatures.end(), wanted) !=
         upstream.signatures.end();
}

std::string sha256(const Secret& secret) {
  std::array<unsigned char, 32> digest{};
  const std::string& text = secret.reveal();
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return {digest.begin(), digest.end()};
}

net::TlsServer::Options tls_options(const config::Settings& settings) {
  net::TlsServer::Options options;
  options.request_client_certificate =
      std::any_of(settings.hosts.begin(), settings.hosts.end(),
                  [](const config::Host& host) { return host.certificate.has_value(); });
  if (const auto& ca = settings.tls.client_ca) options.client_ca = ca->pem;
  if (settings.tls.minimum == config::TlsVersion::v1_3) options.minimum = net::TlsMinimum::v1_3;
  return options;
}

/// What `before` serves this certificate and key with, when it still can.
std::optional<net::TlsServer> known_tls(const Site* before, const config::Listener& listener,
                                        const net::TlsServer::Options& options, TimePoint at) {
  if (before == nullptr || tls_options(before->settings) != options) return std::nullopt;
  const auto& listeners = before->settings.listeners;
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const auto& tls = before->tls[i];
    if (!tls || tls->expires() <= at || listeners[i].certificate->pem != listener.certificate->pem)
      continue;
    if (listeners[i].key->value.reveal() == listener.key->value.reveal()) return tls;
  }
  return std::nullopt;
}

/// A key that is met for the first time, and what came of trying it.
struct Trial {
  Trial(const config::DkimKey& key_of, const std::string& domain_of)
      : from(key_of), domain(domain_of) {}
  const config::DkimKey& from;
  const std::string& domain;
  Result<dkim::Key> key = invalid("not tried");
};

/// Builds a site part by part, collecting every problem on the way.
class Builder {
 public:
  Builder(const config::Settings& settings, const dkim::Signer& signer, TimePoint at,
          const Site* before)
      : settings_(settings), signer_(signer), at_(at), before_(before) {}

  SiteOutcome build() {
    try_keys();
    auto admission = policy::Admission::build(converted(settings_.hosts, host_of),
                                              converted(settings_.shops, shop_of));
    if (!admission) outcome_.errors.push_back(admission.error().detail);
    add_accounts();
    if (const auto& own = settings_.dkim.operator_keys) {
      config::Domain domain;
      domain.name = own->domain;
      domain.dkim = own->keys;
      operator_identities_ = identities_of(domain);
    }
    for (const config::Shop& shop : settings_.shops) add_identities(shop);
    for (const config::Listener& listener : settings_.listeners) add_tls(listener);
    if (outcome_.errors.empty()) {
      outcome_.site = std::make_shared<const Site>(Site{
          settings_, std::move(*admission), std::move(accounts_), std::move(identities_),
          std::move(tls_), std::move(keys_), std::move(unpublished_), std::move(substitutes_)});
    }
    return std::move(outcome_);
  }

 private:
  void add_accounts() {
    for (const config::Shop& shop : settings_.shops) {
      for (const config::User& user : shop.users) {
        accounts_.emplace(user.name, Account{shop.id, user.password.hash});
      }
    }
  }

  void add_identities(const config::Shop& shop) {
    const auto upstream =
        std::find_if(settings_.upstreams.begin(), settings_.upstreams.end(),
                     [&](const config::Upstream& each) { return each.name == shop.upstream; });
    for (const config::Domain& domain : shop.domains) {
      const std::string key = mail::domain_key(domain.name);
      if (domain.unpublished != config::Unpublished::sign)
        unpublished_.emplace(key, domain.unpublished);
      if (domain.unpublished == config::Unpublished::operator_) {
        auto substitutes =
            fit_for(*upstream, operator_identities_, settings_.dkim.operator_keys->domain);
        substitutes_.emplace(key, std::move(substitutes));
      }
      if (domain.dkim.empty()) {
        add_unkeyed(key);
        continue;
      }
      auto identities = fit_for(*upstream, identities_of(domain), domain.name);
      if (!identities.empty()) identities_.emplace(key, std::move(identities));
    }
  }

  /// A domain without keys of its own: the configuration's check has warned of it.
  void add_unkeyed(const std::string& key) {
    const auto found = substitutes_.find(key);
    if (found != substitutes_.end()) identities_.emplace(key, found->second);
  }

  /// Those whose algorithm the upstream takes; an error when that is none.
  std::vector<dkim::Identity> fit_for(const config::Upstream& upstream,
                                      std::vector<dkim::Identity> identities,
                                      const std::string& domain) {
    std::erase_if(identities, [&](const dkim::Identity& identity) {
      return !takes(upstream, identity.key.algorithm());
    });
    if (identities.empty()) {
      outcome_.errors.push_back("no dkim key of domain '" + domain + "' can sign for upstream '" +
                                upstream.name +
                                "'; add an algorithm to its signatures or a key to the domain");
    }
    return identities;
  }

  std::vector<dkim::Identity> identities_of(const config::Domain& domain) {
    std::vector<dkim::Identity> identities;
    for (const config::DkimKey& each : domain.dkim) {
      const std::string name = each.selector + "._domainkey." + domain.name;
      auto key = checked_key(each);
      if (!key) {
        outcome_.errors.push_back("dkim key " + name + " " + key.error().detail);
        continue;
      }
      if (key->weak()) {
        outcome_.warnings.push_back("dkim key " + name + " has " + std::to_string(key->bits()) +
                                    " bits; use 2048 or more");
      }
      identities.push_back(dkim::Identity{mail::domain_key(domain.name), each.selector, *key});
      if (signer_.uses_reference_for(identities.back(), at_)) {
        outcome_.warnings.push_back("dkim key " + name +
                                    ": the cached engine does not sign as libopendkim does here, so"
                                    " libopendkim signs, at several times the cost");
      }
    }
    return identities;
  }

  /// Those that `before` does not have, each once, on all processors: thousands of shops start in a
  /// second or two.
  void try_keys() {
    for (const config::Shop& shop : settings_.shops)
      for (const config::Domain& domain : shop.domains) collect(domain.dkim, domain.name);
    if (const auto& own = settings_.dkim.operator_keys) collect(own->keys, own->domain);
    if (tried_.empty()) return;
    net::Workers pool("keys", 0);  // its end waits for the work
    for (auto& [digest, trial] : tried_) pool.post([this, &trial] { try_key(trial); });
  }

  void collect(const std::vector<config::DkimKey>& keys, const std::string& domain) {
    for (const config::DkimKey& each : keys) {
      const std::string digest = sha256(each.key.value);
      const bool known = before_ != nullptr && before_->keys.contains(digest);
      if (!known) tried_.try_emplace(digest, each, domain);
    }
  }

  void try_key(Trial& trial) const {
    trial.key = dkim::Key::parse(trial.from.key.value);
    if (!trial.key) {
      trial.key = invalid("(" + trial.from.key.reference + "): " + trial.key.error().detail);
      return;
    }
    const dkim::Identity identity{mail::domain_key(trial.domain), trial.from.selector, *trial.key};
    if (const auto probed = dkim::probe(signer_, identity, at_); !probed)
      trial.key = invalid("cannot sign: " + probed.error().detail);
  }

  /// Parsed, and tried with a probe.
  Result<dkim::Key> checked_key(const config::DkimKey& from) {
    const std::string digest = sha256(from.key.value);
    const auto tried = tried_.find(digest);
    Result<dkim::Key> key = tried != tried_.end() ? tried->second.key : before_->keys.at(digest);
    if (key) keys_.emplace(digest, *key);
    return key;
  }

  void add_tls(const config::Listener& listener) {
    tls_.emplace_back();
    if (listener.tls == config::ListenerTls::off) return;
    const std::string what =
        "listener " + listener.address.text() + ": certificate " + listener.certificate->reference;
    const net::TlsServer::Options options = tls_options(settings_);
    tls_.back() = known_tls(before_, listener, options, at_);
    if (!tls_.back()) {
      auto tls = net::TlsServer::make(listener.certificate->pem, listener.key->value, at_, options);
      if (!tls) return outcome_.errors.push_back(what + ": " + tls.error().detail);
      tls_.back() = std::move(*tls);
    }
    const bool local = listener.address.ip.is_loopback() && tls_.back()->fits("localhost");
    if (local || tls_.back()->fits(settings_.hostname)) return;
    outcome_.warnings.push_back(what + ": is not for " + settings_.hostname +
                                " (hostname): clients that reach the relay by this name and verify "
                                "it, as Ruby's do, will not send");
  }

  const config::Settings& settings_;
  const dkim::Signer& signer_;
  TimePoint at_;
  const Site* before_;
  SiteOutcome outcome_;
  std::map<std::string, Account, std::less<>> accounts_;
  std::map<std::string, std::vector<dkim::Identity>, std::less<>> identities_;
  std::vector<std::optional<net::TlsServer>> tls_;
  std::map<std::string, dkim::Key, std::less<>> keys_;
  std::map<std::string, Trial> tried_;
  std::map<std::string, config::Unpublished, std::less<>> unpublished_;
  std::map<std::string, std::vector<dkim::Identity>, std::less<>> substitutes_;
  std::vector<dkim::Identity> operator_identities_;
};

}  // namespace

std::vector<dkim::Identity> Site::signers(const std::vector<std::string>& from_domains,
                                          std::string_view sender_domain) const {
  std::vector<dkim::Identity> result;
  std::vector<std::string> seen;
  for (const std::string& domain : from_domains) {
    const auto found = identities.find(mail::domain_key(domain));
    if (found == identities.end()) continue;
    if (std::find(seen.begin(), seen.end(), found->first) != seen.end()) continue;
    seen.push_back(found->first);
    result.insert(result.end(), found->second.begin(), found->second.end());
  }
  if (!result.empty()) return result;
  const auto found = identities.find(mail::domain_key(sender_domain));
  return found == identities.end() ? result : found->second;
}

SiteOutcome build_site(config::Settings settings, const dkim::Signer& signer, TimePoint at,
                       const Site* before) {
  return Builder(settings, signer, at, before).build();
}

}  // namespace ecrelay::intake

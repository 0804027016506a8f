#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "core/result.h"
#include "core/time.h"
#include "dkim/signer.h"
#include "net/tls.h"
#include "policy/admission.h"

namespace ecrelay::intake {

/// A login that a host may use: the shop it sends for and the crypt(3) hash.
struct Account {
  std::string shop;
  Secret hash;
};

/// One configuration in the form that sessions decide by: immutable, shared, replaced whole by a
/// reload. A session keeps the site it began with (P11).
struct Site {
  config::Settings settings;
  policy::Admission admission;
  std::map<std::string, Account, std::less<>> accounts;
  /// Who signs for a domain (by mail::domain_key), as far as the upstream of its shop takes the
  /// algorithm. A domain that has keys has at least one identity here (P6).
  std::map<std::string, std::vector<dkim::Identity>, std::less<>> identities;
  /// One for each listener of the settings, nothing where its tls is off.
  std::vector<std::optional<net::TlsServer>> tls;
  /// Every DKIM key of the settings, by the SHA-256 of its PEM text: parsed, and tried by a probe.
  std::map<std::string, dkim::Key, std::less<>> keys;

  /// What becomes of mail while no key of its domain is in DNS, where that is not to be signed with
  /// them all the same; and whose keys sign it instead.
  std::map<std::string, config::Unpublished, std::less<>> unpublished;
  std::map<std::string, std::vector<dkim::Identity>, std::less<>> substitutes;

  /// Those that sign a message with these header From domains; where none of them has keys, those
  /// of the envelope sender's domain. Empty: the message goes unsigned, as configured.
  std::vector<dkim::Identity> signers(const std::vector<std::string>& from_domains,
                                      std::string_view sender_domain) const;
};

/// What a site could not be built for, and what an operator should hear of it anyway.
struct SiteOutcome {
  std::shared_ptr<const Site> site;  ///< null when there is an error
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
};

/// Checks what the loader cannot: that certificates and DKIM keys parse, fit and can sign (each
/// key signs a probe), that no upstream's `signatures` would leave a signed domain unsigned, and
/// that no host opens the relay to strangers. Keys and certificates that `before` has are taken
/// over from there. Any thread; 1 ms a new RSA key, on all processors.
SiteOutcome build_site(config::Settings settings, const dkim::Signer& signer, TimePoint at,
                       const Site* before = nullptr);

}  // namespace ecrelay::intake

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dkim/signer.h"
#include "intake/site.h"

namespace ecrelay::intake {

/// Whether the key at SELECTOR._domainkey.DOMAIN may sign now: DNS has it, or nobody looks.
using MaySign = std::function<bool(std::string_view domain, std::string_view selector)>;

/// How a message leaves, given which keys of its domain are in DNS (P6: never unsigned where keys
/// are configured).
struct Signing {
  std::vector<dkim::Identity> identities;
  /// The domain whose key is not in DNS yet: its mail is held until it is …
  std::string held_for;
  /// … or refused until then.
  std::string refused_for;
};

/// Those of Site::signers() that may sign. Where a domain has none, what its `unpublished` says:
/// signed with all its keys (also while it is held), or with the operator's.
Signing choose_signing(const Site& site, const std::vector<std::string>& from_domains,
                       std::string_view sender_domain, const MaySign& may_sign);

}  // namespace ecrelay::intake

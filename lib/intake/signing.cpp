#include "intake/signing.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace ecrelay::intake {
namespace {

using Identities = std::vector<dkim::Identity>;

void add(Identities& to, const Identities& from) { to.insert(to.end(), from.begin(), from.end()); }

/// None of the domain's keys is in DNS.
void sign_unpublished(Signing& signing, const Site& site, const std::string& domain,
                      const Identities& keys) {
  const auto found = site.unpublished.find(domain);
  const auto what = found == site.unpublished.end() ? config::Unpublished::sign : found->second;
  if (what == config::Unpublished::refuse) signing.refused_for = domain;
  if (what == config::Unpublished::hold) signing.held_for = domain;
  if (what == config::Unpublished::operator_) {
    add(signing.identities, site.substitutes.at(domain));
  } else {
    add(signing.identities, keys);
  }
}

}  // namespace

Signing choose_signing(const Site& site, const std::vector<std::string>& from_domains,
                       std::string_view sender_domain, const MaySign& may_sign) {
  Signing signing;
  const Identities all = site.signers(from_domains, sender_domain);
  for (auto first = all.begin(); first != all.end();) {
    // The keys of one domain stand together.
    const auto last = std::find_if(
        first, all.end(), [&](const dkim::Identity& each) { return each.domain != first->domain; });
    const Identities keys(first, last);
    Identities good;
    std::copy_if(first, last, std::back_inserter(good), [&](const dkim::Identity& each) {
      return !may_sign || may_sign(each.domain, each.selector);
    });
    if (good.empty()) {
      sign_unpublished(signing, site, first->domain, keys);
    } else {
      add(signing.identities, good);
    }
    first = last;
  }
  return signing;
}

}  // namespace ecrelay::intake

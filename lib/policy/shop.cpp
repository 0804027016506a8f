#include "policy/shop.h"

#include <algorithm>

#include "core/text.h"

namespace ecrelay::policy {
namespace {

std::string without_colons(std::string_view fingerprint) {
  std::string result = text::lowered(fingerprint);
  std::erase(result, ':');
  return result;
}

bool is_fingerprint(std::string_view text) {
  const auto is_hex = [](char c) { return text::is_digit(c) || (c >= 'a' && c <= 'f'); };
  return text.size() == 64 && std::all_of(text.begin(), text.end(), is_hex);
}

}  // namespace

bool Host::may_send_for(const Shop& shop) const {
  return all_shops || std::find(shops.begin(), shops.end(), shop.id) != shops.end();
}

bool certificate_fits(const Host& host, const PeerCertificate* shown) {
  if (host.certificate.empty()) return true;
  if (shown == nullptr) return false;
  const std::string wanted = without_colons(host.certificate);
  if (is_fingerprint(wanted)) return wanted == without_colons(shown->sha256);
  return std::any_of(shown->names.begin(), shown->names.end(), [&](const std::string& name) {
    return text::iequals(name, host.certificate);
  });
}

}  // namespace ecrelay::policy

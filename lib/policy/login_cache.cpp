#include "policy/login_cache.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <stdexcept>

#include "core/text.h"

namespace ecrelay::policy {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t free_tries_of_user = 5;
constexpr std::uint32_t free_tries_of_address = 50;
constexpr seconds longest_pause = std::chrono::minutes(15);
constexpr seconds memory = std::chrono::hours(1);
/// User names come from outside; more than this tells no two accounts apart.
constexpr std::size_t longest_user = 255;

std::string address_key(const IpAddress& address) {
  const auto bytes = address.neighbourhood().mapped();
  return {bytes.begin(), bytes.end()};
}

std::string user_key(const IpAddress& address, std::string_view user) {
  return address_key(address) + ' ' + text::lowered(user.substr(0, longest_user));
}

seconds pause_after(std::uint32_t failures_over) {
  if (failures_over > 10) return longest_pause;
  return std::min(longest_pause, seconds(1) * (1U << (failures_over - 1)));
}

}  // namespace

void VerifiedLogins::remember(std::string_view user, const Secret& password, std::string shop_id,
                              SteadyPoint now) {
  const Digest digest = fingerprint(user, password);
  if (!entries_.contains(digest)) make_room(now);
  entries_.insert_or_assign(digest, Entry{std::move(shop_id), now + bounds_.lifetime});
}

std::optional<std::string> VerifiedLogins::find(std::string_view user, const Secret& password,
                                                SteadyPoint now) const {
  const auto found = entries_.find(fingerprint(user, password));
  if (found == entries_.end() || found->second.until <= now) return {};
  return found->second.shop_id;
}

Digest VerifiedLogins::fingerprint(std::string_view user, const Secret& password) const {
  // The length in front keeps ("ab", "c") and ("a", "bc") apart.
  const Secret both(std::to_string(user.size()) + ':' + std::string(user) + password.reveal());
  Digest digest{};
  unsigned size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(both.reveal().data());
  if (HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), bytes, both.reveal().size(),
           digest.data(), &size) == nullptr) {
    throw std::runtime_error("HMAC-SHA-256 failed");
  }
  return digest;
}

void VerifiedLogins::make_room(SteadyPoint now) {
  if (entries_.size() < bounds_.entries) return;
  std::erase_if(entries_, [&](const auto& entry) { return entry.second.until <= now; });
  if (entries_.size() < bounds_.entries) return;
  entries_.erase(std::min_element(
      entries_.begin(), entries_.end(),
      [](const auto& a, const auto& b) { return a.second.until < b.second.until; }));
}

milliseconds LoginAttempts::pause(const IpAddress& address, std::string_view user,
                                  SteadyPoint now) const {
  return std::max(pause_of(user_key(address, user), free_tries_of_user, now),
                  pause_of(address_key(address), free_tries_of_address, now));
}

void LoginAttempts::failed(const IpAddress& address, std::string_view user, SteadyPoint now) {
  count(user_key(address, user), now);
  count(address_key(address), now);
}

void LoginAttempts::succeeded(const IpAddress& address, std::string_view user) {
  failures_.erase(user_key(address, user));
}

milliseconds LoginAttempts::pause_of(const std::string& key, std::uint32_t free_tries,
                                     SteadyPoint now) const {
  const auto found = failures_.find(key);
  if (found == failures_.end() || found->second.count < free_tries) return milliseconds(0);
  const SteadyPoint until = found->second.last + pause_after(found->second.count - free_tries + 1);
  if (until <= now) return milliseconds(0);
  return std::chrono::ceil<milliseconds>(until - now);
}

void LoginAttempts::count(const std::string& key, SteadyPoint now) {
  if (!failures_.contains(key)) make_room(now);
  Failures& failures = failures_[key];
  if (now - failures.last > memory) failures.count = 0;
  ++failures.count;
  failures.last = now;
}

void LoginAttempts::make_room(SteadyPoint now) {
  if (failures_.size() < capacity_) return;
  std::erase_if(failures_, [&](const auto& entry) { return now - entry.second.last > memory; });
  if (failures_.size() < capacity_) return;
  failures_.erase(
      std::min_element(failures_.begin(), failures_.end(),
                       [](const auto& a, const auto& b) { return a.second.last < b.second.last; }));
}

}  // namespace ecrelay::policy

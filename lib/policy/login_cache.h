#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/network.h"
#include "core/secret.h"

namespace ecrelay::policy {

/// Deadlines are counted on the steady clock: they must not follow a wall clock that is set.
using SteadyPoint = std::chrono::steady_clock::time_point;
using Digest = std::array<std::uint8_t, 32>;

/// Logins verified a short while ago, so that one connection a mail does not cost one crypt(3)
/// a mail. Holds no password: an entry is HMAC-SHA-256 of user and password under a key that
/// lives only in this process. One thread. Cleared on reload, so a changed password counts
/// at once.
class VerifiedLogins {
 public:
  struct Bounds {
    std::size_t entries = 10'000;
    std::chrono::seconds lifetime{300};
  };

  /// `key` is 32 random bytes of this process.
  VerifiedLogins(const Digest& key, const Bounds& bounds) : key_(key), bounds_(bounds) {}

  /// Only after the hash was verified. At the bound the entry nearest to its end makes room.
  void remember(std::string_view user, const Secret& password, std::string shop_id,
                SteadyPoint now);
  /// The id of the shop that this login was verified for.
  std::optional<std::string> find(std::string_view user, const Secret& password,
                                  SteadyPoint now) const;
  void clear() { entries_.clear(); }
  void set_bounds(const Bounds& bounds) { bounds_ = bounds; }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string shop_id;
    SteadyPoint until;
  };

  Digest fingerprint(std::string_view user, const Secret& password) const;
  void make_room(SteadyPoint now);

  Digest key_;
  Bounds bounds_;
  std::map<Digest, Entry> entries_;
};

/// Failed logins by address and user, with growing pauses. A user name has 5 free tries from one
/// address, an address 50 over all names (one application server speaks for many shops, and one
/// shop's wrong password must not lock out the others); then each failure doubles the pause from
/// 1 second to 15 minutes. IPv6 counts by /64. Forgotten an hour after the last failure. Holds
/// at most `entries`; the oldest makes room. One thread.
class LoginAttempts {
 public:
  explicit LoginAttempts(std::size_t entries = 10'000) : capacity_(entries) {}

  /// How long this login must still wait before it is tried at all; zero: go ahead.
  std::chrono::milliseconds pause(const IpAddress& address, std::string_view user,
                                  SteadyPoint now) const;
  void failed(const IpAddress& address, std::string_view user, SteadyPoint now);
  /// A success forgives the user name, never the address: one good login must not buy an
  /// attacker new guesses at others.
  void succeeded(const IpAddress& address, std::string_view user);
  std::size_t size() const { return failures_.size(); }

 private:
  struct Failures {
    std::uint32_t count = 0;
    SteadyPoint last;
  };

  std::chrono::milliseconds pause_of(const std::string& key, std::uint32_t free_tries,
                                     SteadyPoint now) const;
  void count(const std::string& key, SteadyPoint now);
  void make_room(SteadyPoint now);

  std::size_t capacity_;
  std::map<std::string, Failures> failures_;
};

}  // namespace ecrelay::policy

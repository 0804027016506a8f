#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/money.h"
#include "core/network.h"

namespace ecrelay::policy {

enum class Auth { none, required };
/// What a host sees for a suppressed recipient: 250 and dropped, or 550 at RCPT.
enum class OnSuppressed { accept, reject };
/// live: sent and charged; sink: accepted and traced, never sent, never charged; hold: queued
/// until released.
enum class Mode { live, sink, hold };

/// Nothing means no limit; zero means none at all.
struct ShopLimits {
  std::optional<std::uint32_t> messages_per_second;
  std::optional<std::uint64_t> messages_per_day;  ///< JST day
  std::optional<Money> yen_per_month;             ///< JST month
};

/// A tenant: who pays, and for which domains.
struct Shop {
  std::string id;
  std::string name;
  std::vector<std::string> domains;
  std::string upstream;
  Mode mode = Mode::live;
  bool stopped = false;  ///< refused at MAIL
  ShopLimits limits;
};

/// An authorized client. Without networks it is nobody.
struct Host {
  std::string name;
  std::vector<Network> networks;
  bool all_shops = false;
  std::vector<std::string> shops;  ///< ids; not read when all_shops
  Auth auth = Auth::none;
  std::string certificate;  ///< what its TLS certificate must be; empty: none asked
  OnSuppressed on_suppressed = OnSuppressed::accept;
  std::optional<std::uint32_t> max_connections;

  bool may_send_for(const Shop& shop) const;
};

/// What a client has shown in its TLS handshake.
struct PeerCertificate {
  std::string sha256;  ///< of the DER form, hexadecimal, in either case, colons allowed
  std::vector<std::string>
      names;  ///< subject alternative DNS names; empty unless the chain verified
};

/// The host asks for no certificate, or this is the one it asks for: by fingerprint (64
/// hexadecimal digits), or by name when the chain verified. To be asked before MAIL is admitted.
bool certificate_fits(const Host& host, const PeerCertificate* shown);

}  // namespace ecrelay::policy

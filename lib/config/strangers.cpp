#include "config/strangers.h"

#include <algorithm>
#include <array>

namespace ecrelay::config {

bool is_private(const Network& network) {
  static const std::array ranges = {
      *Network::parse("127.0.0.0/8"),   *Network::parse("10.0.0.0/8"),
      *Network::parse("172.16.0.0/12"), *Network::parse("192.168.0.0/16"),
      *Network::parse("100.64.0.0/10"), *Network::parse("169.254.0.0/16"),
      *Network::parse("::1"),           *Network::parse("fc00::/7"),
      *Network::parse("fe80::/10"),
  };
  return std::any_of(ranges.begin(), ranges.end(), [&](const Network& range) {
    return range.prefix() <= network.prefix() && range.contains(network.base());
  });
}

bool may_hold_strangers(const Network& network) {
  // The translated internet (RFC 6052): its last 32 bits are an IPv4 address.
  static const Network translated = *Network::parse("64:ff9b::/96");
  if (translated.contains(network.base())) return network.prefix() < 96U + 16U;
  return !is_private(network) && network.prefix() < (network.base().is_v4() ? 16U : 32U);
}

bool is_wide(const Network& network) {
  return !is_private(network) && network.prefix() < (network.base().is_v4() ? 24U : 48U);
}

}  // namespace ecrelay::config

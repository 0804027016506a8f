#pragma once

#include "core/network.h"

namespace ecrelay::config {

/// Address ranges that no stranger on the internet can send from: loopback, private (RFC 1918),
/// carrier-grade (RFC 6598), link-local, unique local (RFC 4193).
bool is_private(const Network& network);

/// Wider than one organisation is likely to own: a network that is not private with a prefix
/// below /16 (IPv6: /32). Also one that merely contains private ranges, such as 0.0.0.0/0.
/// IPv4 translated into 64:ff9b::/96 is judged as IPv4.
bool may_hold_strangers(const Network& network);

/// Not private, and wider than /24 (IPv6: /48): worth a warning.
bool is_wide(const Network& network);

}  // namespace ecrelay::config

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/network.h"

namespace ecrelay::net {

/// One end of a TCP connection.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  Endpoint() = default;
  Endpoint(const IpAddress& at, std::uint16_t number) : address(at), port(number) {}
  /// "192.0.2.1:25", "[2001:db8::1]:25"; numbers only, no names.
  static std::optional<Endpoint> parse(std::string_view text);

  std::string text() const;
  auto operator<=>(const Endpoint&) const = default;
};

}  // namespace ecrelay::net

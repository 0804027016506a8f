#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ecrelay {

/// An IPv4 or IPv6 address. IPv4-mapped IPv6 (::ffff:a.b.c.d) becomes IPv4 on the way in, so
/// that an IPv4 peer on a dual-stack socket meets the rules written for IPv4.
class IpAddress {
 public:
  static std::optional<IpAddress> parse(std::string_view text);
  static IpAddress v4(const std::array<std::uint8_t, 4>& bytes);
  static IpAddress v6(const std::array<std::uint8_t, 16>& bytes);

  bool is_v4() const { return v4_; }
  bool is_loopback() const;
  /// Network order, IPv4 in its mapped form: one shape for comparing prefixes.
  const std::array<std::uint8_t, 16>& mapped() const { return bytes_; }
  std::string text() const;
  /// What stands for the same peer when peers are counted: an IPv4 address itself, of IPv6 its /64,
  /// in which anybody has as many addresses as he likes.
  IpAddress neighbourhood() const;
  /// As an address literal of RFC 5321 4.1.3: "[192.0.2.1]", "[IPv6:2001:db8::1]".
  std::string literal() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  bool v4_ = true;
};

/// A CIDR network. A bare address is a network of one. Host bits set beyond the prefix are
/// refused: they are more often a slip of the pen than meant.
class Network {
 public:
  static std::optional<Network> parse(std::string_view text);

  /// IPv4 networks hold IPv4 addresses only, IPv6 networks IPv6 addresses only: "::/0" does
  /// not let IPv4 in.
  bool contains(const IpAddress& address) const;
  unsigned prefix() const { return prefix_; }
  const IpAddress& base() const { return base_; }
  std::string text() const;

  auto operator<=>(const Network&) const = default;

 private:
  IpAddress base_;
  unsigned prefix_ = 0;
};

}  // namespace ecrelay

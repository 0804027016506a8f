#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.h"

namespace ecrelay {

/// Identity of a message: 48 bits of time, 80 random bits, 26 characters of Crockford's base 32.
/// Sorts by time, as bytes and as text, so indexes grow at their end.
class Ulid {
 public:
  using Bytes = std::array<std::uint8_t, 16>;

  Ulid() = default;
  Ulid(TimePoint at, const std::array<std::uint8_t, 10>& random);
  static Ulid from_bytes(const Bytes& bytes);
  /// 26 characters in either case; I, L and O are read as 1, 1 and 0. Nothing for anything
  /// else: ids from outside are validated here before they are used (THREATS "files").
  static std::optional<Ulid> parse(std::string_view text);

  const Bytes& bytes() const { return bytes_; }
  TimePoint time() const;
  std::string text() const;

  auto operator<=>(const Ulid&) const = default;

 private:
  Bytes bytes_{};
};

/// A fresh Ulid with 80 bits from the kernel (getrandom).
Ulid new_ulid(TimePoint at);

}  // namespace ecrelay

template <>
struct std::hash<ecrelay::Ulid> {
  std::size_t operator()(const ecrelay::Ulid& id) const noexcept {
    std::size_t low = 0;  // the low bytes are random already
    for (std::size_t i = 8; i < 16; ++i) low = low << 8 | id.bytes()[i];
    return low;
  }
};

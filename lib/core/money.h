#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace ecrelay {

/// An amount in thousandths of a yen (0.1 yen is 100). Never a float: ten thousand charges of
/// 0.1 yen are exactly 1,000 yen. Sums beyond the 64-bit range (9 * 10^15 yen) are not guarded.
class Money {
 public:
  constexpr Money() = default;
  static constexpr Money milli_yen(std::int64_t count) { return Money(count); }
  /// "0.1", "50000", "-3.25": decimal yen, at most three decimals.
  static Result<Money> parse(std::string_view yen);

  constexpr std::int64_t in_milli_yen() const { return milli_yen_; }
  constexpr Money operator*(std::int64_t n) const { return Money(milli_yen_ * n); }
  constexpr Money operator+(Money other) const { return Money(milli_yen_ + other.milli_yen_); }
  constexpr Money operator-(Money other) const { return Money(milli_yen_ - other.milli_yen_); }
  constexpr auto operator<=>(const Money&) const = default;

  /// "3015.0": one to three decimals, as many as are needed, never rounded.
  std::string exact() const;

 private:
  explicit constexpr Money(std::int64_t count) : milli_yen_(count) {}
  std::int64_t milli_yen_ = 0;
};

}  // namespace ecrelay

#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ecrelay {

/// How many observations were no larger than each of some bounds, as Prometheus counts them. A
/// plain value: a copy is a snapshot, and who shares one guards it. An observation allocates
/// nothing and costs a few nanoseconds.
class Histogram {
 public:
  static constexpr std::size_t most_bounds = 15;

  /// Ascending, at most `most_bounds`, of static life.
  explicit constexpr Histogram(std::span<const double> bounds) : bounds_(bounds) {}

  void observe(double value);
  template <typename Rep, typename Period>
  void observe(std::chrono::duration<Rep, Period> value) {
    observe(std::chrono::duration<double>(value).count());
  }

  std::span<const double> bounds() const { return bounds_; }
  /// Observations up to bounds()[i]; i == bounds().size() is all of them.
  std::uint64_t up_to(std::size_t i) const;
  std::uint64_t count() const { return up_to(bounds_.size()); }
  double sum() const { return sum_; }

 private:
  std::span<const double> bounds_;
  std::array<std::uint64_t, most_bounds + 1> counts_{};  ///< between a bound and the one before
  double sum_ = 0;
};

/// Seconds of what should be quick: replies, signatures, syncs. 1 s and 4 s are promises (P9).
inline constexpr double quick_bounds[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                          0.1,    0.25,  0.5,    1,     2.5,  4,     10};
/// Seconds that other servers take.
inline constexpr double remote_bounds[] = {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                           2.5,  5,     10,   30,  60,   300};
/// Seconds from acceptance to delivery: from at once to days of trying.
inline constexpr double delay_bounds[] = {0.1, 0.5,  1,     5,     15,    60,    300,
                                          900, 3600, 14400, 43200, 86400, 172800};
/// Things in a batch.
inline constexpr double batch_bounds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};

}  // namespace ecrelay

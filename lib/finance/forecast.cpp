#include "finance/forecast.h"

#include <algorithm>
#include <chrono>

namespace ecrelay::finance {

Money forecast(Money so_far, TimePoint now) {
  using std::chrono::duration_cast;
  using std::chrono::minutes;
  const std::chrono::year_month month = billing_month(now);
  const TimePoint from = start_of(month / std::chrono::day(1));
  const TimePoint until = start_of((month + std::chrono::months(1)) / std::chrono::day(1));
  const std::int64_t passed = duration_cast<minutes>(now - from).count();
  const std::int64_t whole = duration_cast<minutes>(until - from).count();
  if (passed < 60) return so_far;
  // Yen times minutes stay within 64 bits up to 10^14 yen.
  const std::int64_t yen = so_far.in_milli_yen() / 1000 * whole / passed;
  return std::max(so_far, Money::milli_yen(yen * 1000));
}

}  // namespace ecrelay::finance

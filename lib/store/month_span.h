#pragma once

#include <chrono>

#include "core/time.h"

namespace ecrelay::store {

/// The instants between which a JST month lies.
struct Span {
  TimePoint from;
  TimePoint until;
};

inline Span span_of(std::chrono::year_month month) {
  using std::chrono::day;
  return Span{start_of(month / day(1)), start_of((month + std::chrono::months(1)) / day(1))};
}

inline std::chrono::year_month_day first_day(std::chrono::year_month month) {
  return month / std::chrono::day(1);
}
inline std::chrono::year_month_day last_day(std::chrono::year_month month) {
  return std::chrono::sys_days(month / std::chrono::last);
}

}  // namespace ecrelay::store

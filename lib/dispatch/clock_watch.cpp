#include "dispatch/clock_watch.h"

namespace ecrelay::dispatch {
namespace {

constexpr std::chrono::seconds tolerance{5};
/// No due time is further ahead than this, so none from before a jump is left afterwards.
constexpr std::chrono::hours longest_wait{24};

}  // namespace

Duration ClockWatch::look(TimePoint wall, Steady steady) {
  const auto passed = std::chrono::duration_cast<Duration>(steady - steady_);
  const Duration jump = (wall - wall_) - passed;
  const TimePoint expected = wall_ + passed;
  wall_ = wall;
  steady_ = steady;
  if (jump > tolerance) {
    forward_.push_back(Forward{expected, jump});
  } else if (jump < -tolerance) {
    back_.push_back(Back{steady, -jump});
  } else {
    return Duration(0);
  }
  return jump;
}

Duration ClockWatch::excess_age(TimePoint since) const {
  Duration excess{};
  for (const Forward& jump : forward_) {
    if (since < jump.before) excess += jump.by;
  }
  return excess;
}

Duration ClockWatch::lead(Steady steady) const {
  Duration lead{};
  for (const Back& jump : back_) {
    if (steady - jump.seen < longest_wait) lead += jump.by;
  }
  return lead;
}

}  // namespace ecrelay::dispatch

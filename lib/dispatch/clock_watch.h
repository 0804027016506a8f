#pragma once

#include <chrono>
#include <vector>

#include "core/time.h"

namespace ecrelay::dispatch {

/// Notices that somebody sets the wall clock, by the steady clock beside it, so that a jump
/// neither stalls the queue nor flushes it: what waits is brought forward when the clock goes
/// back, and nothing gets older by a clock that goes forward. A machine that slept looks like the
/// latter. Knows only the life of this process. A value; both times are arguments.
class ClockWatch {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  ClockWatch(TimePoint wall, Steady steady) : wall_(wall), steady_(steady) {}

  /// By how much the wall clock was set since the last look: positive forward. Less than five
  /// seconds counts as none (NTP slews; a busy thread looks late at one clock of the two).
  Duration look(TimePoint wall, Steady steady);

  /// How much of the age of something that began at `since` is only the clock's.
  Duration excess_age(TimePoint since) const;
  /// How far ahead a due time may be that was planned before the clock went back, and has come.
  Duration lead(Steady steady) const;

 private:
  struct Forward {
    TimePoint before;
    Duration by;
  };
  struct Back {
    Steady seen;
    Duration by;
  };

  TimePoint wall_;
  Steady steady_;
  std::vector<Forward> forward_;
  std::vector<Back> back_;
};

}  // namespace ecrelay::dispatch

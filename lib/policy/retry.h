#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/time.h"

namespace ecrelay::policy {

/// `retry:` of the configuration. After the n-th failed attempt the n-th delay is waited; the
/// last one repeats. An empty schedule counts as one delay of 15 minutes.
struct RetryPlan {
  std::vector<Duration> schedule;
  Duration expire{};
};

/// Bounds for a delay that a reply names: a server may neither hurry us into a busy loop nor
/// park a shop's mail for a day.
inline constexpr Duration shortest_named_delay = std::chrono::minutes(1);
inline constexpr Duration longest_named_delay = std::chrono::hours(4);

/// One recipient that was tried and not finished.
struct Attempted {
  std::uint32_t attempts;  ///< made so far, the last one included; at least 1
  TimePoint accepted_at;
  TimePoint now;
  std::optional<Duration> named;  ///< delay_named_in() of the reply
};

struct Next {
  bool expired;   ///< no more attempts: the recipient has expired
  TimePoint due;  ///< when to try again; not read when expired
};

/// When to try again. `random` is uniform over 32 bits: a delay of the schedule is spread by a
/// tenth either way, a named one only upwards, so that a burst does not come back as a burst.
/// The last attempt is made at the expiry itself. A recipient expires only after a failed
/// attempt, and not before it had three (or as many as the schedule fits into `expire`), so a
/// clock that jumps a year forward does not empty the queue; one set back never makes a due time
/// later than the delay.
Next next_attempt(const RetryPlan& plan, const Attempted& attempted, std::uint32_t random);

/// A due time further ahead than any delay could have put it is the trace of a clock that was
/// set back: such a recipient is due now.
bool is_due(const RetryPlan& plan, TimePoint due, TimePoint now);

/// The delay a reply asks for, as written: "try again in 300 seconds", "retry in 5 minutes",
/// "come back in 00:04:59" (milter-greylist), "retry after 60s". Nothing when the words name
/// none. Not yet bounded.
std::optional<Duration> delay_named_in(std::string_view reply_text);

}  // namespace ecrelay::policy

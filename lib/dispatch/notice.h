#pragma once

#include "core/ulid.h"
#include "dispatch/conclusion.h"
#include "dispatch/job.h"

namespace ecrelay::dispatch {

/// Puts into the conclusion what the sender is told of it by mail (RFC 3464), if anything: that
/// recipients failed or expired, or else that some have waited for `retry.delay_warning`, once.
/// The report is a message of the shop to the envelope sender, from the null sender, by the same
/// upstream. There is none about a report, none to the null sender, and none for a shop that wants
/// none. The job still has its head.
void add_report(const Job& job, const Attempted& attempted, const Rules& rules, const Ulid& id,
                Conclusion& conclusion);

}  // namespace ecrelay::dispatch

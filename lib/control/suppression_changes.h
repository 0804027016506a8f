#pragma once

#include "control/changes.h"

namespace ecrelay::control {

/// suppression.add: "reason" is the entry's own reason where it is one of the list's words (for
/// unsubscribe and complaint with "shop", and for good), else the entry is `manual` and "reason" is
/// its evidence; so is "evidence".
Result<Change> plan_addition(const Question& question, const Caller& caller);

/// suppression.clear: the entries of "address", or those of "domain" that mail servers have said,
/// no older than "since" and no newer than "before". With "for" they are lifted for that time only.
/// A complaint is cleared by the second person who asks for it, within 7 days of the first: other
/// OS users, as the kernel tells (caller.h). The answer warns ("clearings") from the third time in
/// 90 days.
Result<Change> plan_clearance(const Question& question, const Caller& caller);

}  // namespace ecrelay::control

#pragma once

#include "control/changes.h"

/// What a wave of "user unknown" leaves behind (BOUNCE_RULES "Circuit breaker"), domain by domain.
namespace ecrelay::control {

/// suppression.undo: clears the entries that the relay itself made from "from" to "to", reasons
/// hard and domain, at most 10,000 at a time.
Result<Change> plan_undo(const Question& question, const Caller& caller);
/// suppression.parked.release: lists the candidates of a domain; .drop: forgets them. At most
/// 10,000 at a time.
Result<Change> plan_release_parked(const Question& question, const Caller& caller);
Result<Change> plan_drop_parked(const Question& question, const Caller& caller);

}  // namespace ecrelay::control

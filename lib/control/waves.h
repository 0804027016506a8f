#pragma once

#include "control/changes.h"

/// What a wave of "user unknown" leaves behind (BOUNCE_RULES "Circuit breaker"), domain by domain.
namespace ecrelay::control {

/// suppression.undo: clears the entries that the relay itself made from "from" to "to", reasons
/// hard and domain, at most 1,000 at a time.
Result<Change> plan_undo(const Question& question, const Caller& caller);
/// suppression.undo.preview: what suppression.undo with the same arguments would clear, and what
/// would stay of that time, by reason.
Answer preview_undo(const Question& question);
/// suppression.parked.release: lists the candidates of a domain; .drop: forgets them. At most
/// 10,000 at a time.
Result<Change> plan_release_parked(const Question& question, const Caller& caller);
Result<Change> plan_drop_parked(const Question& question, const Caller& caller);

}  // namespace ecrelay::control

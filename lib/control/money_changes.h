#pragma once

#include "control/changes.h"

namespace ecrelay::control {

/// month.close (slow): closes the month when everything about it is in order, for ever.
Result<Change> plan_month_close(const Question& question, const Caller& caller);
/// ledger.reverse: takes one charge back.
Result<Change> plan_reversal(const Question& question, const Caller& caller);
/// ledger.adjust: books "amount" (yen) for "shop", more or less.
Result<Change> plan_adjustment(const Question& question, const Caller& caller);

}  // namespace ecrelay::control

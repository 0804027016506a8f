#pragma once

#include <boost/json/array.hpp>

#include <vector>

#include "control/answers.h"
#include "control/arguments.h"
#include "control/examination.h"

/// Questions of finance. Those that read a whole month are slow: about 2 us a ledger row.
namespace ecrelay::control {

/// month.status: every month since the first, open, due, closed or archived, with its sums.
Answer show_months(const Question& question);
/// month.check (slow): what `month close` would look at. "ok" is whether it would close.
Answer check_month(const Question& question);
/// ledger.search: by "from" and "to" (days), "least" and "most" (yen), "shop".
Answer search_ledger(const Question& question);
/// reconcile (slow): the equations of a month, and an upstream's "statement" (CSV text).
Answer reconcile(const Question& question);

/// month.check, .close and .archive, and reconcile: not to hold up others.
bool is_slow(std::string_view command);

/// Argument "month"; a complaint when it is none. Absent: nothing.
std::optional<std::chrono::year_month> month_in(Arguments& given);
/// Argument `name`, an amount in yen; a complaint when it is none.
std::optional<Money> yen_in(Arguments& given, const std::string& name);
boost::json::array to_json(const std::vector<Check>& checks);

}  // namespace ecrelay::control

#pragma once

#include "records/report.h"
#include "store/database.h"

namespace ecrelay::store {

/// Keeps a report beside its recipient; true when it says something new. One that says again what
/// is kept already (a replay, another copy) changes nothing, and neither does one more about a
/// recipient that has 20 of them: a token that got into wrong hands fills no disk.
/// The first that says that a sent mail of a shop failed counts as `bounced_later` on its own day;
/// the charge stays. Refused when the book has no such recipient.
[[nodiscard]] bool keep_report(Transaction& change, const records::Report& report);

}  // namespace ecrelay::store

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "records/audit.h"
#include "store/database.h"

namespace ecrelay::store {

/// Adds a row to the audit, in the transaction of the change it tells of.
void audit(Transaction& change, const records::AuditRow& row);

/// Who else than `actor` did `action` to `target` since then; the last one.
std::optional<std::string> asked_by_another(Connection& book, std::string_view action,
                                            std::string_view target, std::string_view actor,
                                            TimePoint since);

}  // namespace ecrelay::store

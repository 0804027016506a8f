#pragma once

#include "records/audit.h"
#include "store/database.h"

namespace ecrelay::store {

/// Adds a row to the audit, in the transaction of the change it tells of.
void audit(Transaction& change, const records::AuditRow& row);

}  // namespace ecrelay::store

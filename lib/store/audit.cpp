#include "store/audit.h"

namespace ecrelay::store {

void audit(Transaction& change, const records::AuditRow& row) {
  change.book().execute(
      "INSERT INTO audit (at_ms, actor, origin, action, target, reason, detail)"
      " VALUES (?,?,?,?,?,?,?)",
      row.at, row.actor, row.origin, row.action, row.target, row.reason, row.detail);
}

}  // namespace ecrelay::store

#include "store/audit.h"

namespace ecrelay::store {

void audit(Transaction& change, const records::AuditRow& row) {
  change.book().execute(
      "INSERT INTO audit (at_ms, actor, origin, action, target, reason, detail)"
      " VALUES (?,?,?,?,?,?,?)",
      row.at, row.actor, row.origin, row.action, row.target, row.reason, row.detail);
}

std::optional<std::string> asked_by_another(Connection& book, std::string_view action,
                                            std::string_view target, std::string_view actor,
                                            TimePoint since) {
  Rows rows = book.query(
      "SELECT actor FROM audit WHERE target = ? AND action = ? AND actor <> ? AND at_ms >= ?"
      " ORDER BY id DESC LIMIT 1",
      target, action, actor, since);
  if (!rows.next()) return std::nullopt;
  return rows.text();
}

}  // namespace ecrelay::store

#include "store/suppression.h"

#include "store/row_reading.h"
#include "store/schema.h"

namespace ecrelay::store {
namespace {

using records::SuppressionEntry;

/// Who makes the change, and why.
struct Cause {
  TimePoint at;
  std::string reason;
  std::string actor;
};

bool has_lapsed(const SuppressionEntry& entry, TimePoint at) {
  return entry.expires_at && *entry.expires_at <= at;
}

bool outlasts(const SuppressionEntry& entry, const SuppressionEntry& other) {
  if (!other.expires_at) return false;
  return !entry.expires_at || *entry.expires_at > *other.expires_at;
}

/// `evidence` is what told of this event: the entry it opens, confirms, replaces or closes.
void log(Connection& book, std::int64_t id, const SuppressionEntry& evidence,
         std::string_view event, const Cause& cause) {
  book.execute(
      "INSERT INTO suppression_log (at_ms, entry, shop, key, event, reason, actor, evidence, "
      "message)"
      " VALUES (?,?,?,?,?,?,?,?,?)",
      cause.at, id, evidence.shop, evidence.key, event, cause.reason, cause.actor,
      evidence.evidence, evidence.message);
}

void close(Connection& book, const SuppressionEntry& open, std::string_view event,
           const Cause& cause) {
  book.execute("UPDATE suppression SET closed_ms = ? WHERE id = ?", cause.at, open.id);
  log(book, open.id, open, event, cause);
}

std::int64_t open_entry(Connection& book, const SuppressionEntry& e, const Cause& cause) {
  book.execute(
      "INSERT INTO suppression (shop, key, address, reason, since_ms, expires_ms, evidence, "
      "message,"
      " actor) VALUES (?,?,?,?,?,?,?,?,?)",
      e.shop, e.key, e.address, e.reason, e.since, e.expires_at, e.evidence, e.message, e.actor);
  const std::int64_t id = book.last_id();
  log(book, id, e, "added", cause);
  return id;
}

std::vector<SuppressionEntry> open_entries(Connection& book, std::string_view key,
                                           const std::optional<std::string>& shop) {
  Rows rows = book.query("SELECT " + std::string(entry_columns) +
                             " FROM suppression WHERE key = ?1 AND (?2 IS NULL OR shop = ?2)"
                             " AND closed_ms IS NULL ORDER BY shop",
                         key, shop);
  std::vector<SuppressionEntry> entries;
  while (rows.next()) entries.push_back(read_entry(rows));
  return entries;
}

}  // namespace

std::int64_t suppress(Transaction& change, const SuppressionEntry& entry) {
  Connection& book = change.book();
  const Cause cause{entry.since, entry.reason, entry.actor};
  for (const SuppressionEntry& open : open_entries(book, entry.key, entry.shop)) {
    if (has_lapsed(open, entry.since)) {
      close(book, open, "lapsed", cause);
    } else if (outlasts(entry, open)) {
      close(book, open, "replaced", cause);
    } else {
      log(book, open.id, entry, "confirmed", cause);
      return open.id;
    }
  }
  return open_entry(book, entry, cause);
}

std::vector<SuppressionEntry> clear(Transaction& change, const Clearing& clearing) {
  const Cause cause{clearing.at, clearing.reason, clearing.actor};
  auto entries = open_entries(change.book(), clearing.key, clearing.shop);
  for (const SuppressionEntry& open : entries) close(change.book(), open, "cleared", cause);
  return entries;
}

SuppressionIndex::SuppressionIndex(const std::string& book)
    : connection_(book, Access::read, Duration(50)) {
  require_current_schema(connection_);
}

Result<std::optional<Listing>> SuppressionIndex::find(std::string_view shop, std::string_view key,
                                                      TimePoint now) try {
  Rows rows = connection_.query(
      "SELECT id, reason, shop = '' FROM suppression WHERE key = ?1 AND shop IN (?2, '')"
      " AND closed_ms IS NULL AND (expires_ms IS NULL OR expires_ms > ?3) ORDER BY shop DESC LIMIT "
      "1",
      key, shop, now);
  if (!rows.next()) return std::optional<Listing>();
  const std::int64_t entry = rows.integer();
  std::string reason = rows.text();
  return std::optional(Listing{entry, std::move(reason), rows.integer() != 0});
} catch (const Failure& failure) {
  return unavailable(failure.what());
}

}  // namespace ecrelay::store

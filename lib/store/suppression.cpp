#include "store/suppression.h"

#include "store/row_reading.h"
#include "store/schema.h"
#include "store/trial.h"

namespace ecrelay::store {
namespace {

using records::SuppressionEntry;

bool has_lapsed(const SuppressionEntry& entry, TimePoint at) {
  return entry.expires_at && *entry.expires_at <= at;
}

/// What a person has said weighs more than what a server has, and never ends.
int weight_of(std::string_view reason) {
  return reason == "complaint" ? 2 : reason == "unsubscribe" ? 1 : 0;
}

bool outlasts(const SuppressionEntry& entry, const SuppressionEntry& other) {
  if (!other.expires_at) return false;
  return !entry.expires_at || *entry.expires_at > *other.expires_at;
}

/// Of two that both hold, `entry` is the one to stay.
bool outweighs(const SuppressionEntry& entry, const SuppressionEntry& open) {
  if (entry.dry_run != open.dry_run) return open.dry_run;
  const int more = weight_of(entry.reason) - weight_of(open.reason);
  if (more != 0) return more > 0;
  return open.lifted_until || outlasts(entry, open);
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

std::int64_t open_entry(Connection& book, const SuppressionEntry& e, const Cause& cause) {
  book.execute(
      "INSERT INTO suppression (shop, key, address, reason, since_ms, expires_ms, evidence, "
      "message,"
      " actor, dry) VALUES (?,?,?,?,?,?,?,?,?,?)",
      e.shop, e.key, e.address, e.reason, e.since, e.expires_at, e.evidence, e.message, e.actor,
      e.dry_run);
  const std::int64_t id = book.last_id();
  log(book, id, e, "added", cause);
  return id;
}

}  // namespace

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

void close_entry(Transaction& change, const SuppressionEntry& open, std::string_view event,
                 const Cause& cause) {
  change.book().execute("UPDATE suppression SET closed_ms = ? WHERE id = ?", cause.at, open.id);
  log(change.book(), open.id, open, event, cause);
}

std::int64_t clearings_since(Connection& book, std::string_view key, TimePoint since) {
  Rows rows = book.query(
      "SELECT count(DISTINCT at_ms) FROM suppression_log"
      " WHERE key = ? AND event = 'cleared' AND at_ms >= ?",
      key, since);
  rows.next();
  return rows.integer();
}

std::int64_t suppress(Transaction& change, const SuppressionEntry& entry) {
  Connection& book = change.book();
  const Cause cause{entry.since, entry.reason, entry.actor};
  for (const SuppressionEntry& open : open_entries(book, entry.key, entry.shop)) {
    if (has_lapsed(open, entry.since)) {
      close_entry(change, open, "lapsed", cause);
    } else if (outweighs(entry, open)) {
      close_entry(change, open, "replaced", cause);
    } else {
      book.execute("UPDATE suppression SET lifted_ms = NULL WHERE id = ? AND NOT ?", open.id,
                   entry.dry_run);
      log(book, open.id, entry, "confirmed", cause);
      return open.id;
    }
  }
  return open_entry(book, entry, cause);
}

std::vector<SuppressionEntry> clear(Transaction& change, const Clearing& clearing,
                                    bool (*wanted)(std::string_view reason)) {
  Cause cause{clearing.at, clearing.reason, clearing.actor};
  if (clearing.until) cause.reason += " (until " + timestamp(*clearing.until) + ")";
  auto entries = open_entries(change.book(), clearing.key, clearing.shop);
  if (wanted != nullptr)
    std::erase_if(entries, [&](const auto& entry) { return !wanted(entry.reason); });
  for (const SuppressionEntry& open : entries) {
    if (clearing.until) {
      change.book().execute("UPDATE suppression SET lifted_ms = ? WHERE id = ?", *clearing.until,
                            open.id);
      log(change.book(), open.id, open, "cleared", cause);
    } else {
      close_entry(change, open, "cleared", cause);
    }
  }
  return entries;
}

SuppressionIndex::SuppressionIndex(const std::string& book, Duration quiet)
    : connection_(book, Access::read, Duration(50)), quiet_(quiet) {
  require_current_schema(connection_);
}

Result<std::optional<Listing>> SuppressionIndex::find(std::string_view shop, std::string_view key,
                                                      TimePoint now,
                                                      const std::optional<Ulid>& message) try {
  static const std::string sql = "SELECT " + std::string(entry_columns) +
                                 " FROM suppression WHERE key = ?1 AND shop IN (?2, '')"
                                 " AND closed_ms IS NULL AND dry = 0 ORDER BY shop DESC";
  Rows rows = connection_.query(sql, key, shop);
  while (rows.next()) {
    SuppressionEntry entry = read_entry(rows);
    if (!records::holds_back(standing_of(connection_, entry, now, quiet_))) continue;
    if (has_lapsed(entry, now) && message && entry.trial == message) continue;
    return std::optional(Listing{entry.id, std::move(entry.reason), entry.shop.empty()});
  }
  return std::optional<Listing>();
} catch (const Failure& failure) {
  return unavailable(failure.what());
}

}  // namespace ecrelay::store

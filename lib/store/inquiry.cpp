#include "store/inquiry.h"

#include "store/domains.h"
#include "store/queue_filter.h"
#include "store/row_reading.h"
#include "store/schema.h"
#include "store/snapshot.h"
#include "store/suppression.h"
#include "store/trial.h"

namespace ecrelay::store {
namespace {

std::string select(std::string_view columns, std::string_view rest) {
  return "SELECT " + std::string(columns) + " " + std::string(rest);
}

template <typename Row>
std::vector<Row> all(Rows rows, Row (*read)(Rows&)) {
  std::vector<Row> list;
  while (rows.next()) list.push_back(read(rows));
  return list;
}

UsageRow read_usage_row(Rows& rows) {
  std::string label = rows.text();
  return UsageRow{std::move(label), read_usage(rows)};
}

QueueRow read_queue_row(Rows& rows) {
  QueueRow row;
  row.recipient = read_recipient(rows);
  row.shop = rows.text();
  row.upstream = rows.text();
  row.sender = rows.text();
  row.subject = rows.text();
  row.accepted_at = rows.time();
  row.expires_at = rows.time();
  return row;
}

/// All conditions but that of the reason. The domain stands in the text or not: only so is its
/// index used.
std::string open_entries_of(const SuppressionFilter& filter) {
  return std::string(" FROM suppression WHERE closed_ms IS NULL") +
         (filter.domain ? " AND domain = ?3" : " AND ?3 IS NULL") +
         " AND (?1 IS NULL OR shop = ?1) AND (?4 IS NULL OR since_ms >= ?4)"
         " AND (?5 IS NULL OR since_ms <= ?5) AND (?6 IS NULL OR actor = ?6)";
}

Ulid read_id(Rows& rows) { return rows.ulid(); }

}  // namespace

Inquiry::Inquiry(const std::string& book) : connection_(book, Access::read, reader_patience) {
  require_current_schema(connection_);
}

QueueTotals Inquiry::totals() {
  Rows rows = connection_.query(
      "SELECT (SELECT count(*) FROM recipient WHERE state = 'queued'),"
      " (SELECT count(*) FROM recipient WHERE state = 'held'),"
      " (SELECT min(due_ms) FROM recipient WHERE state = 'queued'),"
      // The index holds the key of the table too, so no row is read for this.
      " (SELECT min(message) FROM recipient INDEXED BY recipient_due WHERE state = 'queued')");
  rows.next();
  QueueTotals totals;
  totals.queued = rows.integer();
  totals.held = rows.integer();
  totals.oldest_due = rows.maybe(&Rows::time);
  if (const auto oldest = rows.maybe(&Rows::ulid)) totals.oldest = oldest->time();
  return totals;
}

std::int64_t Inquiry::open_by_upstream(std::string_view upstream) {
  Rows rows = connection_.query(
      "SELECT ifnull(sum(open_recipients), 0) FROM message"
      " WHERE open_recipients > 0 AND upstream = ?",
      upstream);
  rows.next();
  return rows.integer();
}

std::int64_t Inquiry::open_of_shop(std::string_view shop) {
  Rows rows = connection_.query(
      "SELECT ifnull(sum(open_recipients), 0) FROM message"
      " WHERE open_recipients > 0 AND shop = ?",
      shop);
  rows.next();
  return rows.integer();
}

std::vector<QueueRow> Inquiry::queue(const QueueFilter& filter, records::State state,
                                     std::size_t limit) {
  // The state stands in the text, because only then SQLite uses the indexes of open recipients.
  const std::string sql =
      select(recipient_columns,
             ", m.shop, m.upstream, m.sender, m.subject, m.accepted_ms, m.expires_ms"
             " FROM recipient r JOIN message m ON m.id = r.message") +
      " WHERE r.state = '" + std::string(records::text(state)) + "'" + conditions(filter) +
      (records::is_open(state) ? " ORDER BY r.due_ms, r.message, r.n"
                               : " ORDER BY r.message DESC, r.n") +
      " LIMIT ?5";
  return all(connection_.query(sql, nullptr, filter.message, filter.shop, key_ending(filter.domain),
                               limit),
             read_queue_row);
}

MessageTrace Inquiry::traced(records::Message message) {
  const Ulid id = message.id;
  const std::string recipients =
      select(recipient_columns, "FROM recipient r WHERE message = ? ORDER BY n");
  const std::string attempts =
      select(attempt_columns, "FROM attempt WHERE message = ? ORDER BY recipient, number");
  const std::string reports = select(report_columns, "FROM report WHERE message = ? ORDER BY id");
  const std::string effects =
      select(event_columns, "FROM suppression_log WHERE message = ? ORDER BY id");
  return MessageTrace{std::move(message),
                      all(connection_.query(recipients, id), read_recipient),
                      all(connection_.query(attempts, id), read_attempt),
                      all(connection_.query(reports, id), read_report),
                      accounts().ledger_of(id),
                      all(connection_.query(effects, id), read_event)};
}

std::vector<MessageTrace> Inquiry::traced(const std::vector<Ulid>& ids) {
  const std::string sql = select(message_columns, "FROM message WHERE id = ?");
  std::vector<MessageTrace> traces;
  for (const Ulid& id : ids)
    for (auto& message : all(connection_.query(sql, id), read_message))
      traces.push_back(traced(std::move(message)));
  return traces;
}

std::optional<MessageTrace> Inquiry::trace(const Ulid& id) {
  const Snapshot snapshot(connection_);
  auto found = traced(std::vector<Ulid>{id});
  return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

std::vector<MessageTrace> Inquiry::trace_message_id(std::string_view message_id,
                                                    std::size_t limit) {
  const Snapshot snapshot(connection_);
  return traced(all(connection_.query("SELECT id FROM message WHERE message_id = ?"
                                      " AND message_id <> '' ORDER BY id DESC LIMIT ?",
                                      message_id, limit),
                    read_id));
}

std::vector<MessageTrace> Inquiry::trace_recipient(std::string_view key, std::size_t limit) {
  const Snapshot snapshot(connection_);
  return traced(all(connection_.query("SELECT DISTINCT message FROM recipient WHERE key = ?"
                                      " ORDER BY message DESC LIMIT ?",
                                      key, limit),
                    read_id));
}

std::optional<Addressee> Inquiry::addressee(const Ulid& message, std::uint32_t n) {
  Rows rows = connection_.query(
      "SELECT m.shop, r.address, r.key, m.sender, m.upstream FROM recipient r JOIN message m ON "
      "m.id = r.message"
      " WHERE r.message = ? AND r.n = ?",
      message, n);
  if (!rows.next()) return std::nullopt;
  Addressee to;
  to.shop = rows.text();
  to.address = rows.text();
  to.key = rows.text();
  to.sender = rows.text();
  to.upstream = rows.text();
  return to;
}

std::vector<UsageRow> Inquiry::usage(const UsageQuery& query) {
  const bool by_shop = query.by == UsageQuery::By::shop;
  const std::string sql = select(by_shop ? "shop," : "day,", usage_sums) + usage_span +
                          (by_shop ? " GROUP BY shop ORDER BY shop" : " GROUP BY day ORDER BY day");
  return all(connection_.query(sql, to_text(query.from), to_text(query.to), query.shop),
             read_usage_row);
}

records::Usage Inquiry::total(const UsageQuery& query) {
  Rows rows = connection_.query(select(usage_sums, usage_span), to_text(query.from),
                                to_text(query.to), query.shop);
  rows.next();
  return read_usage(rows);
}

std::vector<records::SuppressionEntry> Inquiry::suppressions(std::string_view key) {
  const std::string sql =
      select(entry_columns, "FROM suppression WHERE key = ? AND closed_ms IS NULL ORDER BY shop");
  return all(connection_.query(sql, key), read_entry);
}

std::vector<records::SuppressionEntry> Inquiry::suppressions(const SuppressionFilter& filter,
                                                             std::size_t limit) {
  const std::string sql = select(entry_columns, open_entries_of(filter)) +
                          " AND (?2 IS NULL OR reason = ?2) ORDER BY key, shop LIMIT ?7";
  return all(connection_.query(sql, filter.shop, filter.reason, filter.domain, filter.from,
                               filter.to, filter.actor, limit),
             read_entry);
}

std::vector<records::SuppressionEntry> Inquiry::suppressions_after(std::string_view key,
                                                                   std::string_view shop,
                                                                   std::size_t limit) {
  const std::string sql = select(entry_columns,
                                 "FROM suppression WHERE closed_ms IS NULL AND (key, shop) > (?, ?)"
                                 " ORDER BY key, shop LIMIT ?");
  return all(connection_.query(sql, key, shop, limit), read_entry);
}

std::vector<records::SuppressionEntry> Inquiry::parked(const std::optional<std::string>& domain,
                                                       std::size_t limit) {
  const std::string sql =
      select(parked_columns, "FROM parked WHERE ?1 IS NULL OR domain = ?1 ORDER BY id LIMIT ?2");
  return all(connection_.query(sql, domain, limit), read_parked);
}

std::vector<records::SuppressionEvent> Inquiry::suppression_history(std::string_view key,
                                                                    std::size_t limit) {
  const std::string sql =
      select(event_columns, "FROM suppression_log WHERE key = ? ORDER BY id DESC LIMIT ?");
  return all(connection_.query(sql, key, limit), read_event);
}

std::int64_t Inquiry::parked_count(const std::optional<std::string>& key) {
  Rows rows = key ? connection_.query("SELECT count(*) FROM parked WHERE domain = ? AND key = ?",
                                      std::string_view(*key).substr(key->rfind('@') + 1), *key)
                  : connection_.query("SELECT count(*) FROM parked");
  rows.next();
  return rows.integer();
}

std::vector<Points> Inquiry::points(std::string_view key, TimePoint since) {
  Rows rows = connection_.query(
      "SELECT shop, kind, count(*), max(at_ms) FROM point WHERE key = ? AND at_ms >= ?"
      " GROUP BY shop, kind ORDER BY shop, kind",
      key, since);
  std::vector<Points> points;
  while (rows.next()) {
    Points each;
    each.shop = rows.text();
    each.kind = rows.text();
    each.count = rows.integer();
    each.last = rows.time();
    points.push_back(std::move(each));
  }
  return points;
}

std::map<std::string, std::int64_t> Inquiry::suppression_counts(const SuppressionFilter& filter) {
  const std::string sql =
      "SELECT reason, count(*)" + open_entries_of(filter) + " AND ?2 IS NULL GROUP BY reason";
  Rows rows = connection_.query(sql, filter.shop, nullptr, filter.domain, filter.from, filter.to,
                                filter.actor);
  std::map<std::string, std::int64_t> counts;
  while (rows.next()) {
    std::string reason = rows.text();
    counts[std::move(reason)] = rows.integer();
  }
  return counts;
}

records::HeldBack Inquiry::held_back(std::string_view key) {
  Rows rows = connection_.query(
      "SELECT count(*), max(finished_ms) FROM recipient WHERE key = ? AND state = 'suppressed'",
      key);
  rows.next();
  records::HeldBack held;
  held.recipients = rows.integer();
  held.last = rows.maybe(&Rows::time);
  return held;
}

records::Standing Inquiry::standing(const records::SuppressionEntry& entry, TimePoint now,
                                    Duration quiet) {
  return standing_of(connection_, entry, now, quiet);
}

std::int64_t Inquiry::clearings_since(std::string_view key, TimePoint since) {
  return store::clearings_since(connection_, key, since);
}

std::vector<records::SigningKey> Inquiry::signing_keys(std::string_view domain) {
  return store::signing_keys(connection_, domain);
}

std::vector<records::DnsRecord> Inquiry::dns_records() { return store::dns_records(connection_); }

bool Inquiry::has_open_mail_signed(std::string_view domain, std::string_view selector) {
  return store::has_open_mail_signed(connection_, domain, selector);
}

std::vector<std::string> Inquiry::domains_waiting_for_keys() {
  return store::domains_waiting_for_keys(connection_);
}

std::int64_t Inquiry::count_waiting_for_key(std::string_view domain) {
  return store::count_waiting_for_key(connection_, domain);
}

std::vector<records::AuditRow> Inquiry::audits(std::size_t limit) {
  return all(connection_.query(select(audit_columns, "FROM audit ORDER BY id DESC LIMIT ?"), limit),
             read_audit);
}

}  // namespace ecrelay::store

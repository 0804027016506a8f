#include "store/parked.h"

#include "store/row_reading.h"

namespace ecrelay::store {
namespace {

constexpr std::int64_t most_read = 100'000;
constexpr Duration usual_span = std::chrono::hours(24 * 30);

std::int64_t number(Rows rows) { return rows.next() ? rows.integer() : 0; }

/// Hard signs of a domain in a span, listed and parked.
std::int64_t unknown_in(Connection& book, std::string_view domain, TimePoint from, TimePoint to) {
  return number(book.query(
      "SELECT (SELECT count(*) FROM suppression_log WHERE domain = ?1 AND at_ms >= ?2 AND at_ms <= "
      "?3 AND reason = 'hard' AND event IN ('added', 'confirmed'))"
      " + (SELECT count(*) FROM parked WHERE domain = ?1 AND since_ms >= ?2 AND since_ms <= ?3)",
      domain, from, to));
}

/// Finished recipients of the domain since `from`, counted until there are `enough`. Messages are
/// in the order of their time, so the newest are read first.
std::int64_t finals_since(Connection& book, std::string_view domain, TimePoint from,
                          std::int64_t enough) {
  return number(book.query(
      "SELECT count(*) FROM (SELECT 1 FROM (SELECT key, finished_ms FROM recipient"
      " ORDER BY message DESC LIMIT ?1) WHERE finished_ms >= ?2 AND substr(key, -length(?3)) = ?3"
      " LIMIT ?4)",
      most_read, from, "@" + std::string(domain), enough));
}

}  // namespace

std::string_view domain_of(std::string_view key) { return key.substr(key.rfind('@') + 1); }

bool in_wave(Connection& book, std::string_view domain, TimePoint now,
             const records::ListRules& rules) {
  if (book.query("SELECT 1 FROM parked WHERE domain = ? LIMIT 1", domain).next()) return true;
  const TimePoint from = now - rules.wave_window;
  const std::int64_t unknown = unknown_in(book, domain, from, now) + 1;  // with the one at hand
  if (unknown * 100 <= rules.wave_finals * rules.wave_percent) return false;
  const std::int64_t harmless = unknown * 100 / rules.wave_percent;
  const std::int64_t finals = finals_since(book, domain, from, harmless);
  if (finals >= harmless || finals < rules.wave_finals) return false;
  const std::int64_t windows = usual_span / rules.wave_window;
  const std::int64_t usual = unknown_in(book, domain, now - usual_span, from);
  return unknown * windows > usual * rules.wave_times_usual;
}

void park(Transaction& change, const records::SuppressionEntry& e, std::string_view domain) {
  change.book().execute(
      "INSERT INTO parked (domain, shop, key, address, reason, since_ms, expires_ms, evidence,"
      " message) VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
      domain, e.shop, e.key, e.address, e.reason, e.since, e.expires_at, e.evidence, e.message);
}

std::vector<records::SuppressionEntry> take_parked(Transaction& change, std::string_view domain,
                                                   std::int64_t limit) {
  std::vector<records::SuppressionEntry> entries;
  {
    Rows rows = change.book().query("SELECT " + std::string(parked_columns) +
                                        " FROM parked WHERE domain = ? ORDER BY id LIMIT ?",
                                    domain, limit);
    while (rows.next()) entries.push_back(read_parked(rows));
  }
  for (const auto& entry : entries)
    change.book().execute("DELETE FROM parked WHERE id = ?", entry.id);
  return entries;
}

}  // namespace ecrelay::store

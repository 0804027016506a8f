#include "store/parked.h"

#include "store/row_reading.h"

namespace ecrelay::store {
namespace {

constexpr Duration usual_span = std::chrono::hours(24 * 30);
constexpr Duration slot_length = std::chrono::minutes(5);

std::int64_t slot_of(TimePoint at) { return at.time_since_epoch() / slot_length; }

struct Traffic {
  std::int64_t finals = 0;
  std::int64_t unknown = 0;
};

/// Of a domain, from one slot to another, both included.
Traffic traffic(Connection& book, std::string_view domain, std::int64_t from, std::int64_t to) {
  Rows rows = book.query(
      "SELECT ifnull(sum(finals), 0), ifnull(sum(unknown), 0) FROM destination"
      " WHERE domain = ? AND slot BETWEEN ? AND ?",
      domain, from, to);
  rows.next();
  Traffic found;
  found.finals = rows.integer();
  found.unknown = rows.integer();
  return found;
}

/// Slots without anybody unknown are of no use once their window is over; a few go each time.
void forget_old(Connection& book, TimePoint now, const records::ListRules& rules) {
  book.execute(
      "DELETE FROM destination WHERE (domain, slot) IN (SELECT domain, slot FROM destination"
      " WHERE unknown = 0 AND slot < ? ORDER BY slot LIMIT 4)",
      slot_of(now - 2 * rules.wave_window));
}

void add(Transaction& change, std::string_view domain, TimePoint now, const Traffic& more,
         const records::ListRules& rules) {
  Connection& book = change.book();
  const bool known = book.execute(
                         "UPDATE destination SET finals = finals + ?, unknown = unknown + ?"
                         " WHERE domain = ? AND slot = ?",
                         more.finals, more.unknown, domain, slot_of(now)) > 0;
  if (known) return;
  book.execute("INSERT INTO destination (domain, slot, finals, unknown) VALUES (?,?,?,?)", domain,
               slot_of(now), more.finals, more.unknown);
  forget_old(book, now, rules);
}

/// Far more of the domain are unknown than in the 30 days before.
bool is_unusual(Connection& book, std::string_view domain, TimePoint now, std::int64_t unknown,
                const records::ListRules& rules) {
  const std::int64_t windows = usual_span / rules.wave_window;
  const std::int64_t before = slot_of(now - rules.wave_window) - 1;
  const Traffic usual = traffic(book, domain, slot_of(now - usual_span), before);
  return unknown * windows > usual.unknown * rules.wave_times_usual;
}

}  // namespace

std::string_view domain_of(std::string_view key) { return key.substr(key.rfind('@') + 1); }

void count_finals(Transaction& change, std::string_view domain, TimePoint now,
                  std::int64_t recipients, const records::ListRules& rules) {
  add(change, domain, now, Traffic{recipients, 0}, rules);
}

Wave count_unknown(Transaction& change, std::string_view domain, TimePoint now,
                   const records::ListRules& rules) {
  Connection& book = change.book();
  add(change, domain, now, Traffic{0, 1}, rules);
  Wave wave;
  wave.domain = domain;
  wave.under_way = book.query("SELECT 1 FROM parked WHERE domain = ? LIMIT 1", domain).next();
  if (wave.under_way) return wave;
  const Traffic recent = traffic(book, domain, slot_of(now - rules.wave_window), slot_of(now));
  wave.unknown = recent.unknown;
  wave.finals = recent.finals;
  wave.under_way = recent.finals >= rules.wave_finals &&
                   recent.unknown * 100 > recent.finals * rules.wave_percent &&
                   is_unusual(book, domain, now, recent.unknown, rules);
  wave.news = wave.under_way;
  return wave;
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

#include "store/parked.h"

#include "store/row_reading.h"

namespace ecrelay::store {
namespace {

constexpr Duration usual_span = std::chrono::hours(24 * 30);
constexpr Duration slot_length = std::chrono::minutes(5);
/// A report that comes later than that is held against the time at which it comes.
constexpr Duration longest_way_back = std::chrono::hours(48);

std::int64_t slot_of(TimePoint at) { return at.time_since_epoch() / slot_length; }

/// Slots, both included.
struct Window {
  std::int64_t from = 0;
  std::int64_t to = 0;
};

Window window_before(TimePoint now, const records::ListRules& rules) {
  return {slot_of(now - rules.wave_window), slot_of(now)};
}

Window window_around(TimePoint sent, const records::ListRules& rules) {
  return {slot_of(sent - rules.wave_window / 2), slot_of(sent + rules.wave_window / 2)};
}

struct Traffic {
  std::int64_t finals = 0;
  std::int64_t unknown = 0;  ///< told of then, whenever their mail was sent
  std::int64_t gone = 0;     ///< of the finals, whenever they were told of
};

Traffic traffic(Connection& book, std::string_view domain, Window window) {
  Rows rows = book.query(
      "SELECT ifnull(sum(finals), 0), ifnull(sum(unknown), 0), ifnull(sum(gone), 0)"
      " FROM destination WHERE domain = ? AND slot BETWEEN ? AND ?",
      domain, window.from, window.to);
  rows.next();
  Traffic found;
  found.finals = rows.integer();
  found.unknown = rows.integer();
  found.gone = rows.integer();
  return found;
}

/// Slots without anybody unknown are of no use once no report can lead back to them; a few go each
/// time.
void forget_old(Connection& book, TimePoint now, const records::ListRules& rules) {
  book.execute(
      "DELETE FROM destination WHERE (domain, slot) IN (SELECT domain, slot FROM destination"
      " WHERE unknown = 0 AND gone = 0 AND slot < ? ORDER BY slot LIMIT 4)",
      slot_of(now - longest_way_back - 2 * rules.wave_window));
}

void add(Transaction& change, std::string_view domain, TimePoint at, const Traffic& more,
         const records::ListRules& rules) {
  Connection& book = change.book();
  const bool known =
      book.execute(
          "UPDATE destination SET finals = finals + ?, unknown = unknown + ?, gone = gone + ?"
          " WHERE domain = ? AND slot = ?",
          more.finals, more.unknown, more.gone, domain, slot_of(at)) > 0;
  if (known) return;
  book.execute("INSERT INTO destination (domain, slot, finals, unknown, gone) VALUES (?,?,?,?,?)",
               domain, slot_of(at), more.finals, more.unknown, more.gone);
  forget_old(book, at, rules);
}

/// Far more of the domain are unknown than in the 30 days before.
bool is_unusual(const Wave& wave, Connection& book, Window window, std::int64_t Traffic::*unknown,
                const records::ListRules& rules) {
  const Window before{window.from - usual_span / slot_length, window.from - 1};
  const std::int64_t usual = traffic(book, wave.domain, before).*unknown;
  return wave.unknown * (usual_span / rules.wave_window) > usual * rules.wave_times_usual;
}

/// Too many of the window's recipients are unknown, by one way of counting them.
bool shows(Wave& wave, Connection& book, Window window, std::int64_t Traffic::*unknown,
           const records::ListRules& rules) {
  const Traffic recent = traffic(book, wave.domain, window);
  wave.unknown = recent.*unknown;
  wave.finals = recent.finals;
  return wave.finals >= rules.wave_finals &&
         wave.unknown * 100 > wave.finals * rules.wave_percent &&
         is_unusual(wave, book, window, unknown, rules);
}

/// A report out of a busy hour would weigh too much in a quiet one: a few of a great many, come
/// back when little else is sent, are no wave.
bool counts_when_it_comes(Connection& book, std::string_view domain, Window before, Window around) {
  return traffic(book, domain, around).finals <= traffic(book, domain, before).finals;
}

}  // namespace

std::string_view domain_of(std::string_view key) { return key.substr(key.rfind('@') + 1); }

void count_finals(Transaction& change, std::string_view domain, TimePoint now,
                  std::int64_t recipients, const records::ListRules& rules) {
  add(change, domain, now, Traffic{recipients, 0, 0}, rules);
}

Wave count_unknown(Transaction& change, std::string_view domain, TimePoint now,
                   std::optional<TimePoint> sent, const records::ListRules& rules) {
  Connection& book = change.book();
  if (sent && *sent < now - longest_way_back) sent.reset();
  const Window before = window_before(now, rules);
  const Window around = window_around(sent.value_or(now), rules);
  add(change, domain, sent.value_or(now), Traffic{0, 0, 1}, rules);
  if (counts_when_it_comes(book, domain, before, around))
    add(change, domain, now, Traffic{0, 1, 0}, rules);
  Wave wave;
  wave.domain = domain;
  wave.under_way = book.query("SELECT 1 FROM parked WHERE domain = ? LIMIT 1", domain).next();
  if (wave.under_way) return wave;
  wave.news = shows(wave, book, before, &Traffic::unknown, rules) ||
              (sent && shows(wave, book, around, &Traffic::gone, rules));
  wave.under_way = wave.news;
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

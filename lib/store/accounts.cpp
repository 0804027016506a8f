#include "store/accounts.h"

#include <utility>

#include "store/row_reading.h"

namespace ecrelay::store {
namespace {

using std::chrono::year_month;

/// The instants between which a month lies.
struct Span {
  TimePoint from;
  TimePoint until;
};

Span span_of(year_month month) {
  using std::chrono::day;
  return Span{start_of(month / day(1)), start_of((month + std::chrono::months(1)) / day(1))};
}

std::string first_day(year_month month) { return to_text(month / std::chrono::day(1)); }
std::string last_day(year_month month) {
  return to_text(std::chrono::year_month_day(std::chrono::sys_days(month / std::chrono::last)));
}

ClosedMonth read_closed(Rows& rows) {
  ClosedMonth closed;
  closed.month = known(parse_month(rows.text()));
  closed.closed_at = rows.time();
  closed.actor = rows.text();
  closed.manifest = rows.text();
  closed.sha256 = rows.text();
  closed.previous = rows.text();
  return closed;
}

constexpr std::string_view closed_columns =
    "month, closed_ms, actor, manifest, sha256, previous FROM month";

std::string select(std::string_view columns, std::string_view rest) {
  return "SELECT " + std::string(columns) + " " + std::string(rest);
}

}  // namespace

std::optional<year_month> Accounts::first_month() {
  Rows rows = connection_.query("SELECT substr(min(day), 1, 7) FROM daily");
  rows.next();
  return parse_month(rows.text());
}

std::vector<ClosedMonth> Accounts::closed_months() {
  Rows rows = connection_.query(select(closed_columns, "ORDER BY month"));
  std::vector<ClosedMonth> list;
  while (rows.next()) list.push_back(read_closed(rows));
  return list;
}

std::optional<ClosedMonth> Accounts::closed(year_month month) {
  Rows rows = connection_.query(select(closed_columns, "WHERE month = ?"), to_text(month));
  if (!rows.next()) return std::nullopt;
  return read_closed(rows);
}

std::map<std::string, std::string> Accounts::names(year_month month) {
  Rows rows =
      connection_.query("SELECT shop, name FROM month_shop WHERE month = ?", to_text(month));
  std::map<std::string, std::string> names;
  while (rows.next()) {
    std::string shop = rows.text();
    names.emplace(std::move(shop), rows.text());
  }
  return names;
}

std::vector<records::ShopDay> Accounts::days(year_month month) {
  Rows rows = connection_.query(
      select("shop, day,", usage_sums) + usage_span + " GROUP BY shop, day ORDER BY shop, day",
      first_day(month), last_day(month), nullptr);
  std::vector<records::ShopDay> list;
  while (rows.next()) {
    records::ShopDay day;
    day.shop = rows.text();
    day.day = rows.text();
    day.usage = read_usage(rows);
    list.push_back(std::move(day));
  }
  return list;
}

bool Accounts::knows(std::string_view shop) {
  return connection_.query("SELECT 1 FROM daily WHERE shop = ? LIMIT 1", shop).next();
}

records::Usage Accounts::ever() {
  Rows rows = connection_.query(select(usage_sums, ""));
  rows.next();
  return read_usage(rows);
}

std::int64_t Accounts::open_recipients() {
  // The states stand in the text, because only then SQLite uses the indexes of open recipients.
  Rows rows = connection_.query(
      "SELECT (SELECT count(*) FROM recipient r JOIN message m ON m.id = r.message"
      " WHERE r.state = 'queued' AND m.kind = 'mail')"
      " + (SELECT count(*) FROM recipient r JOIN message m ON m.id = r.message"
      " WHERE r.state = 'held' AND m.kind = 'mail')");
  rows.next();
  return rows.integer();
}

std::int64_t Accounts::open_recipients(year_month month) {
  const Span span = span_of(month);
  Rows rows = connection_.query(
      "SELECT count(*) FROM (SELECT message FROM recipient WHERE state = 'queued'"
      " UNION ALL SELECT message FROM recipient WHERE state = 'held') r"
      " JOIN message m ON m.id = r.message"
      " WHERE m.kind = 'mail' AND m.accepted_ms >= ? AND m.accepted_ms < ?",
      span.from, span.until);
  rows.next();
  return rows.integer();
}

std::vector<records::LedgerEntry> Accounts::ledger(const LedgerQuery& query, std::int64_t after,
                                                   std::size_t limit) {
  const std::string sql = select(
      ledger_columns,
      "FROM ledger WHERE id BETWEEN"
      " (SELECT min(first_row) FROM daily WHERE day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR shop = "
      "?3))"
      " AND"
      " (SELECT max(last_row) FROM daily WHERE day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR shop = ?3))"
      " AND day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR shop = ?3)"
      " AND (?4 IS NULL OR amount_milli >= ?4) AND (?5 IS NULL OR amount_milli <= ?5)"
      " AND id > ?6 ORDER BY id LIMIT ?7");
  Rows rows = connection_.query(sql, to_text(query.from), to_text(query.to), query.shop,
                                query.least, query.most, after, limit);
  std::vector<records::LedgerEntry> list;
  while (rows.next()) list.push_back(read_ledger(rows));
  return list;
}

std::optional<records::LedgerEntry> Accounts::entry(std::int64_t id) {
  Rows rows = connection_.query(select(ledger_columns, "FROM ledger WHERE id = ?"), id);
  if (!rows.next()) return std::nullopt;
  return read_ledger(rows);
}

std::optional<std::int64_t> Accounts::reversal_of(std::int64_t charge) {
  Rows rows = connection_.query("SELECT id FROM ledger WHERE reverses = ?", charge);
  if (!rows.next()) return std::nullopt;
  return rows.integer();
}

void Accounts::read_month(year_month month,
                          const std::function<void(const records::LedgerEntry&)>& take) {
  constexpr int page = 10'000;
  const Span span = span_of(month);
  const std::string sql =
      select(ledger_columns,
             "FROM ledger WHERE id > ?1 AND id <= ?2 AND ifnull(booked_ms, at_ms) >= ?3"
             " AND ifnull(booked_ms, at_ms) < ?4 ORDER BY id LIMIT ?5");
  std::int64_t after = 0;
  std::int64_t last = 0;
  {
    Rows range = connection_.query(
        "SELECT ifnull(min(first_row), 1) - 1, ifnull(max(last_row), 0) FROM daily"
        " WHERE day BETWEEN ? AND ?",
        first_day(month), last_day(month));
    range.next();
    after = range.integer();
    last = range.integer();
  }
  for (int taken = page; taken == page;) {
    taken = 0;
    Rows rows = connection_.query(sql, after, last, span.from, span.until, page);
    for (; rows.next(); ++taken) {
      const records::LedgerEntry entry = read_ledger(rows);
      after = entry.id;
      take(entry);
    }
  }
}

std::vector<std::string> Accounts::uncharged(year_month month, std::size_t limit) {
  const Span span = span_of(month);
  Rows rows = connection_.query(
      "SELECT r.message, r.n FROM recipient r JOIN message m ON m.id = r.message"
      " WHERE r.state = 'sent' AND r.finished_ms >= ?1 AND r.finished_ms < ?2 AND m.kind = 'mail'"
      " AND NOT EXISTS (SELECT 1 FROM ledger l WHERE l.kind = 'charge' AND l.message = r.message"
      " AND (l.recipient IS NULL OR l.recipient = r.n"
      // Where the unit changed between two recipients the first charge stands for the message.
      " OR (SELECT count(DISTINCT unit) FROM price) > 1)) LIMIT ?3",
      span.from, span.until, limit);
  std::vector<std::string> list;
  while (rows.next()) {
    const std::string message = rows.ulid().text();
    list.push_back(message + " recipient " + std::to_string(rows.integer()));
  }
  return list;
}

std::vector<SentOn> Accounts::sent_on(year_month month, std::string_view upstream) {
  const Span span = span_of(month);
  Rows rows = connection_.query(
      "SELECT upstream, date(at_ms / 1000 + 32400, 'unixepoch') AS day, count(*) FROM attempt"
      " WHERE verdict = 'sent' AND at_ms >= ?1 AND at_ms < ?2 AND upstream = ?3"
      " GROUP BY upstream, day ORDER BY day",
      span.from, span.until, upstream);
  std::vector<SentOn> list;
  while (rows.next()) {
    SentOn sent;
    sent.upstream = rows.text();
    sent.day = rows.text();
    sent.recipients = rows.integer();
    list.push_back(std::move(sent));
  }
  return list;
}

std::vector<records::PriceRow> Accounts::prices() {
  Rows rows =
      connection_.query("SELECT shop, day, unit, price_milli, noted_ms FROM price ORDER BY id");
  std::vector<records::PriceRow> list;
  while (rows.next()) {
    records::PriceRow row;
    row.shop = rows.text();
    row.day = known(parse_day(rows.text()));
    row.unit = known(records::parse_unit(rows.text()));
    row.price = rows.maybe(&Rows::money);
    row.noted_at = rows.time();
    list.push_back(std::move(row));
  }
  return list;
}

std::optional<std::chrono::year_month_day> Accounts::last_charged(std::string_view shop) {
  Rows rows = connection_.query(
      "SELECT max(day) FROM daily WHERE charges > 0 AND (?1 = '' OR shop = ?1)", shop);
  rows.next();
  return parse_day(rows.text());
}

}  // namespace ecrelay::store

#include "store/accounts.h"

#include <utility>

#include "store/month_span.h"
#include "store/row_reading.h"

namespace ecrelay::store {
namespace {

using std::chrono::year_month;

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
      to_text(first_day(month)), to_text(last_day(month)), nullptr);
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

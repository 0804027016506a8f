#include <algorithm>
#include <utility>

#include "store/accounts.h"
#include "store/month_span.h"
#include "store/row_reading.h"

/// What is read from the ledger: the book's own rows, and those of months that are in archives.
namespace ecrelay::store {
namespace {

using records::LedgerEntry;
using std::chrono::year_month;

/// Rows from `first` to `last` in one file, by the criteria of a LedgerQuery.
struct Slice {
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::string from;
  std::string to;
};

std::string select_ledger(std::string_view rest) {
  return "SELECT " + std::string(ledger_columns) + " FROM ledger " + std::string(rest);
}

/// Appends at most `limit` rows.
void search(Connection& file, const Slice& slice, const LedgerQuery& query, std::size_t limit,
            std::vector<LedgerEntry>& list) {
  static const std::string sql = select_ledger(
      "WHERE id BETWEEN ?1 AND ?2 AND day BETWEEN ?3 AND ?4 AND (?5 IS NULL OR shop = ?5)"
      " AND (?6 IS NULL OR amount_milli >= ?6) AND (?7 IS NULL OR amount_milli <= ?7)"
      " ORDER BY id LIMIT ?8");
  Rows rows = file.query(sql, slice.first, slice.last, slice.from, slice.to, query.shop,
                         query.least, query.most, limit);
  while (rows.next()) list.push_back(read_ledger(rows));
}

/// In order of their numbers, the first `limit`.
void cut(std::vector<LedgerEntry>& list, std::size_t limit) {
  const auto by_number = [](const LedgerEntry& a, const LedgerEntry& b) { return a.id < b.id; };
  std::sort(list.begin(), list.end(), by_number);
  if (list.size() > limit) list.resize(limit);
}

/// Numbers of the rows of a span of days, as the daily totals know them.
Slice slice_of(Connection& book, const std::string& from, const std::string& to,
               const std::optional<std::string>& shop) {
  Rows rows = book.query(
      "SELECT ifnull(min(first_row), 1), ifnull(max(last_row), 0) FROM daily"
      " WHERE day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR shop = ?3)",
      from, to, shop);
  rows.next();
  Slice slice;
  slice.first = rows.integer();
  slice.last = rows.integer();
  slice.from = from;
  slice.to = to;
  return slice;
}

/// A charge for this message. It comes after the message, but for a clock that was set back.
bool may_hold(const Archived& archive, const Ulid& message) {
  return message < archive.charged_before &&
         archive.month >= billing_month(message.time() - std::chrono::days(1));
}

}  // namespace

/// A month that is moved meanwhile was read neither whole from the book nor from its archive: then
/// the question is put again.
std::vector<LedgerEntry> Accounts::ledger(const LedgerQuery& query, std::int64_t after,
                                          std::size_t limit) {
  for (;;) {
    const std::vector<Archived> archives = archives_->all();
    std::vector<LedgerEntry> list = ledger(query, after, limit, archives);
    if (archives_->all().size() == archives.size()) return list;
  }
}

std::vector<LedgerEntry> Accounts::ledger(const LedgerQuery& query, std::int64_t after,
                                          std::size_t limit,
                                          const std::vector<Archived>& archives) {
  std::vector<LedgerEntry> list;
  if (limit == 0) return list;
  std::chrono::year_month_day open_from = query.from;
  for (const Archived& archive : archives) {
    open_from = std::max(open_from, first_day(archive.month + std::chrono::months(1)));
    if (last_day(archive.month) < query.from || first_day(archive.month) > query.to) continue;
    if (archive.last_row <= after) continue;
    // Numbers of two months may interleave where they meet, so that one more is looked into.
    if (list.size() >= limit && list[limit - 1].id < archive.first_row) return list;
    const Slice slice{std::max(archive.first_row, after + 1), archive.last_row, to_text(query.from),
                      to_text(query.to)};
    search(archives_->open(archive), slice, query, limit, list);
    cut(list, limit);
  }
  if (open_from > query.to) return list;
  Slice slice = slice_of(connection_, to_text(open_from), to_text(query.to), query.shop);
  slice.first = std::max(slice.first, after + 1);
  search(connection_, slice, query, limit, list);
  cut(list, limit);
  return list;
}

std::optional<LedgerEntry> Accounts::entry(std::int64_t id) {
  const std::string sql = select_ledger("WHERE id = ?");
  if (Rows rows = connection_.query(sql, id); rows.next()) return read_ledger(rows);
  for (const Archived& archive : archives_->all()) {
    if (id < archive.first_row || id > archive.last_row) continue;
    if (Rows rows = archives_->open(archive).query(sql, id); rows.next()) return read_ledger(rows);
  }
  return std::nullopt;
}

std::optional<std::int64_t> Accounts::reversal_of(std::int64_t charge) {
  Rows rows = connection_.query("SELECT id FROM ledger WHERE reverses = ?", charge);
  if (!rows.next()) return std::nullopt;
  return rows.integer();
}

std::vector<LedgerEntry> Accounts::ledger_of(const Ulid& message) {
  const std::string charges = select_ledger("WHERE message = ? AND kind = 'charge'");
  std::vector<LedgerEntry> list;
  const auto collect = [&](Rows rows) {
    while (rows.next()) list.push_back(read_ledger(rows));
  };
  collect(connection_.query(charges, message));
  for (const Archived& archive : archives_->all())
    if (may_hold(archive, message)) collect(archives_->open(archive).query(charges, message));
  const std::size_t charged = list.size();
  // What takes a charge back stays in the book, whatever month it belongs to.
  for (std::size_t i = 0; i < charged; ++i)
    collect(connection_.query(select_ledger("WHERE reverses = ?"), list[i].id));
  cut(list, list.size());
  const auto same = [](const LedgerEntry& a, const LedgerEntry& b) { return a.id == b.id; };
  list.erase(std::unique(list.begin(), list.end(), same), list.end());
  return list;
}

/// Other connections may move the month while it is read. A page from the book counts only where
/// the book still knew of no archive afterwards: until then it has every row.
void Accounts::read_month(year_month month, const std::function<void(const LedgerEntry&)>& take) {
  constexpr std::size_t most = 10'000;
  auto archive = archives_->of(month);
  const Span span = span_of(month);
  const Slice slice =
      slice_of(connection_, to_text(first_day(month)), to_text(last_day(month)), std::nullopt);
  const std::string sql = select_ledger(
      "WHERE id > ?1 AND id <= ?2 AND ifnull(booked_ms, at_ms) >= ?3"
      " AND ifnull(booked_ms, at_ms) < ?4 ORDER BY id LIMIT ?5");
  std::int64_t after = slice.first - 1;
  for (std::vector<LedgerEntry> page;;) {
    page.clear();
    Connection& file = archive ? archives_->open(*archive) : connection_;
    {
      Rows rows = file.query(sql, after, slice.last, span.from, span.until, most);
      while (rows.next()) page.push_back(read_ledger(rows));
    }
    if (!archive && (archive = archives_->of(month))) continue;
    for (const LedgerEntry& entry : page) take(entry);
    if (page.size() < most) return;
    after = page.back().id;
  }
}

/// Between which ids the messages are that had a recipient sent in this month. Two months of
/// waiting are rarely passed; where the totals know of more than is found so, all are looked at.
Accounts::Ids Accounts::ids_of(year_month month) {
  const Span span = span_of(month);
  Ids ids;
  ids.from = Ulid(span.from - std::chrono::days(62), {});
  ids.until = Ulid(span.until + std::chrono::days(1), {});
  Rows rows = connection_.query(
      "SELECT (SELECT ifnull(sum(sent), 0) FROM daily WHERE day BETWEEN ?1 AND ?2),"
      " (SELECT count(*) FROM recipient r JOIN message m ON m.id = r.message"
      " WHERE r.message >= ?3 AND r.message < ?4 AND r.state = 'sent' AND r.finished_ms >= ?5"
      " AND r.finished_ms < ?6 AND m.kind = 'mail')",
      to_text(first_day(month)), to_text(last_day(month)), ids.from, ids.until, span.from,
      span.until);
  rows.next();
  const std::int64_t counted = rows.integer();
  if (rows.integer() >= counted) return ids;
  Ulid::Bytes last;
  last.fill(0xff);
  return Ids{Ulid(), Ulid::from_bytes(last)};
}

/// Where the unit changed between two recipients the first charge stands for the message.
bool Accounts::unit_has_changed() {
  Rows rows = connection_.query("SELECT count(DISTINCT unit) > 1 FROM price");
  return rows.next() && rows.integer() != 0;
}

std::vector<std::string> Accounts::uncharged(year_month month, std::size_t limit) {
  const Span span = span_of(month);
  const Ids ids = ids_of(month);
  const bool any = unit_has_changed();
  const std::string charge =
      "SELECT 1 FROM ledger WHERE kind = 'charge' AND message = ?1"
      " AND (recipient IS NULL OR recipient = ?2 OR ?3)";
  Rows rows = connection_.query(
      "SELECT r.message, r.n FROM recipient r JOIN message m ON m.id = r.message"
      " WHERE r.message >= ?3 AND r.message < ?5 AND r.state = 'sent' AND r.finished_ms >= ?1"
      " AND r.finished_ms < ?2 AND m.kind = 'mail'"
      " AND NOT EXISTS (SELECT 1 FROM ledger l WHERE l.kind = 'charge' AND l.message = r.message"
      " AND (l.recipient IS NULL OR l.recipient = r.n OR ?4))",
      span.from, span.until, ids.from, any, ids.until);
  const std::vector<Archived> archives = archives_->all();
  std::vector<std::string> list;
  while (list.size() < limit && rows.next()) {
    const Ulid message = rows.ulid();
    const auto n = rows.number<std::uint32_t>();
    if (std::any_of(archives.begin(), archives.end(), [&](const Archived& each) {
          return may_hold(each, message) &&
                 archives_->open(each).query(charge, message, n, any).next();
        }))
      continue;
    list.push_back(message.text() + " recipient " + std::to_string(n));
  }
  return list;
}

std::vector<SentOn> Accounts::sent_on(year_month month, std::string_view upstream) {
  const Span span = span_of(month);
  const Ids ids = ids_of(month);
  Rows rows = connection_.query(
      "SELECT upstream, date(at_ms / 1000 + 32400, 'unixepoch') AS day, count(*) FROM attempt"
      " WHERE message >= ?4 AND message < ?5 AND verdict = 'sent' AND at_ms >= ?1 AND at_ms < ?2"
      " AND upstream = ?3"
      " GROUP BY upstream, day ORDER BY day",
      span.from, span.until, upstream, ids.from, ids.until);
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

}  // namespace ecrelay::store

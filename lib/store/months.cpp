#include "store/months.h"

#include "store/accounts.h"

namespace ecrelay::store {

void close_month(Transaction& change, const MonthClosing& closing) {
  Connection& book = change.book();
  const std::string month = to_text(closing.month);
  if (Accounts(book).days(closing.month) != closing.days)
    throw Refused(month + " has changed while it was being closed: close it again");
  for (const auto& [shop, name] : closing.names)
    book.execute("INSERT INTO month_shop (month, shop, name) VALUES (?,?,?)", month, shop, name);
  const auto next = closing.month + std::chrono::months(1);
  book.execute(
      "INSERT INTO month (month, until_ms, closed_ms, actor, manifest, sha256, previous)"
      " VALUES (?,?,?,?,?,?,?)",
      month, start_of(next / std::chrono::day(1)), closing.at, closing.actor, closing.manifest,
      closing.sha256, closing.previous);
}

void note_prices(Transaction& change, const std::vector<records::PriceRow>& rows) {
  for (const records::PriceRow& row : rows)
    change.book().execute(
        "INSERT INTO price (shop, day, unit, price_milli, noted_ms) VALUES (?,?,?,?,?)", row.shop,
        to_text(row.day), records::text(row.unit), row.price, row.noted_at);
}

}  // namespace ecrelay::store

#include "store/reports.h"

#include "records/message.h"

namespace ecrelay::store {
namespace {

constexpr std::int64_t most_of_a_recipient = 20;

void require_recipient(Connection& book, const records::Report& report) {
  Rows rows = book.query("SELECT 1 FROM recipient WHERE message = ? AND n = ?", report.message,
                         report.recipient);
  if (!rows.next())
    throw Refused("the book has no recipient " + std::to_string(report.recipient) + " of " +
                  report.message.text());
}

bool has_enough(Connection& book, const records::Report& report) {
  Rows rows = book.query("SELECT count(*) FROM report WHERE message = ? AND recipient = ?",
                         report.message, report.recipient);
  rows.next();
  return rows.integer() >= most_of_a_recipient;
}

}  // namespace

bool keep_report(Transaction& change, const records::Report& r) {
  Connection& book = change.book();
  require_recipient(book, r);
  if (has_enough(book, r)) return false;
  return book.execute(
             "INSERT INTO report (message, recipient, at_ms, kind, action, status, reply,"
             " decision, reason, text) VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
             r.message, r.recipient, r.at, r.kind, r.action, r.status, r.reply, r.decision,
             r.reason, records::bounded(r.text, records::max_reply)) > 0;
}

}  // namespace ecrelay::store

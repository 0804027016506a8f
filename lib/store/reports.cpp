#include "store/reports.h"

#include "records/message.h"
#include "store/ledger.h"
#include "store/messages.h"

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

bool insert_row(Connection& book, const records::Report& r) {
  return book.execute(
             "INSERT INTO report (message, recipient, at_ms, kind, action, status, reply,"
             " decision, reason, text) VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
             r.message, r.recipient, r.at, r.kind, r.action, r.status, r.reply, r.decision,
             r.reason, records::bounded(r.text, records::max_reply)) > 0;
}

/// The shop whose mail was sent to this recipient.
std::optional<std::string> shop_that_sent(Connection& book, const records::Report& report) {
  Rows rows = book.query(
      "SELECT m.shop FROM message m JOIN recipient r ON r.message = m.id AND r.n = ?2"
      " WHERE m.id = ?1 AND m.kind = 'mail' AND r.state = 'sent'",
      report.message, report.recipient);
  return rows.next() ? std::optional(rows.text()) : std::nullopt;
}

}  // namespace

bool said_to_have_failed(Connection& book, const Ulid& message, std::uint32_t recipient) {
  return book
      .query("SELECT 1 FROM report WHERE message = ? AND recipient = ? AND action = 'failed'",
             message, recipient)
      .next();
}

bool keep_report(Transaction& change, const records::Report& report) {
  Connection& book = change.book();
  require_recipient(book, report);
  const bool said_before = said_to_have_failed(book, report.message, report.recipient);
  if (has_enough(book, report) || !insert_row(book, report)) return false;
  if (report.action != "failed" || said_before) return true;
  records::Counts counts;
  counts.bounced_later = 1;
  if (const auto shop = shop_that_sent(book, report)) count(change, *shop, report.at, counts);
  return true;
}

namespace {

/// Since when the domain has been found dead; nothing when it lives.
std::optional<TimePoint> dead_since(Connection& book, std::string_view domain, bool dead,
                                    TimePoint at) {
  if (!dead) {
    book.execute("DELETE FROM dead_domain WHERE domain = ?", domain);
    return std::nullopt;
  }
  book.execute("INSERT INTO dead_domain (domain, since_ms) VALUES (?, ?) ON CONFLICT DO NOTHING",
               domain, at);
  Rows rows = book.query("SELECT since_ms FROM dead_domain WHERE domain = ?", domain);
  rows.next();
  return rows.time();
}

/// The sign beside what our own look-up has found (BOUNCE_RULES row 18).
records::Sign checked(Connection& book, records::Sign sign, const std::optional<bool>& domain_dead,
                      const records::ListRules& rules) {
  if (!domain_dead) return sign;
  records::SuppressionEntry& entry = sign.entry;
  const auto since = dead_since(book, domain_of(entry.key), *domain_dead, entry.since);
  if (entry.reason == "domain" && !*domain_dead) {
    sign.weight = records::Weight::delivery_point;
    entry.evidence += " (but DNS has the domain)";
  } else if (sign.weight == records::Weight::delivery_point && since &&
             entry.since - *since >= rules.domain_confirmation) {
    sign.weight = records::Weight::entry;
    entry.reason = "domain";
    entry.evidence += " (and DNS has had no such domain since " + timestamp(*since) + ")";
  }
  return sign;
}

/// When the mail was sent that the report is about.
std::optional<TimePoint> sent_at(Connection& book, const records::Report& report) {
  Rows rows =
      book.query("SELECT finished_ms FROM recipient WHERE message = ? AND n = ? AND state = 'sent'",
                 report.message, report.recipient);
  return rows.next() ? std::optional(rows.time()) : std::nullopt;
}

}  // namespace

Kept keep(Transaction& change, const Returned& returned, const records::ListRules& rules) {
  Kept kept;
  kept.news = keep_report(change, returned.report);
  if (!kept.news) return kept;
  if (returned.sign) {
    records::Sign sign = checked(change.book(), *returned.sign, returned.domain_dead, rules);
    sign.sent = sent_at(change.book(), returned.report);
    kept.weighed = weigh(change, sign, rules);
  }
  if (const auto& onward = returned.onward) insert(change, onward->message, onward->recipients);
  return kept;
}

}  // namespace ecrelay::store

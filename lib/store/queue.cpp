#include "store/queue.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "store/ledger.h"
#include "store/messages.h"
#include "store/queue_filter.h"
#include "store/reports.h"
#include "store/row_reading.h"
#include "store/schema.h"
#include "store/weighing.h"

namespace ecrelay::store {
namespace {

Billed billed(Connection& book, const Ulid& message) {
  Rows rows = book.query(
      "SELECT shop, tag, kind, (SELECT count(*) FROM recipient WHERE message = ?1)"
      " FROM message WHERE id = ?1",
      message);
  if (!rows.next()) throw Refused("the book has no message " + message.text());
  Billed billed;
  billed.message = message;
  billed.shop = rows.text();
  billed.tag = rows.text();
  billed.kind = known(records::parse_kind(rows.text()));
  billed.recipients = rows.integer();
  return billed;
}

void keep_attempt(Connection& book, const Outcome& outcome, const RecipientOutcome& one,
                  std::int64_t number) {
  const records::Attempt& a = *one.attempt;
  book.execute(
      "INSERT INTO attempt (message, recipient, number, at_ms, upstream, server, stage, code,"
      " enhanced, reply, verdict, tls, duration_ms) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
      outcome.message, one.n, number, a.at, a.upstream, a.server, a.stage, a.code, a.enhanced,
      records::bounded(a.reply, records::max_reply), a.verdict, a.tls, a.duration.count());
}

/// The recipient is not open. Passes when it says the same already.
void check_repeat(Connection& book, const Outcome& outcome, const RecipientOutcome& one) {
  Rows rows =
      book.query("SELECT state FROM recipient WHERE message = ? AND n = ?", outcome.message, one.n);
  const std::string who = "recipient " + std::to_string(one.n) + " of " + outcome.message.text();
  if (!rows.next()) throw Refused("the book has no " + who);
  if (const std::string state = rows.text(); state != records::text(one.state))
    throw Refused(who + " is " + state + " already, and cannot become " +
                  std::string(records::text(one.state)));
}

/// The key of the row when it changed, nothing when it said the same already.
std::optional<std::string> advance(Connection& book, const Outcome& outcome,
                                   const RecipientOutcome& one) {
  std::optional<TimePoint> finished;
  if (!records::is_open(one.state)) finished = outcome.at;
  Rows rows = book.query(
      "UPDATE recipient SET state = ?, due_ms = ?, finished_ms = ?, reply = ?,"
      " attempts = attempts + ?, warned = warned OR ? WHERE message = ? AND n = ? AND state IN "
      "('queued', 'held')"
      " RETURNING attempts, key",
      records::text(one.state), one.due, finished, records::bounded(one.reply, records::max_reply),
      one.attempt.has_value(), one.warned, outcome.message, one.n);
  if (!rows.next()) {
    check_repeat(book, outcome, one);
    return std::nullopt;
  }
  const std::int64_t number = rows.integer();
  std::string key = rows.text();
  rows.next();
  if (one.attempt) keep_attempt(book, outcome, one, number);
  return key;
}

const std::string queue_items =
    "SELECT r.message, r.n, r.due_ms, m.accepted_ms, m.expires_ms, r.attempts, r.address, r.key,"
    " m.shop, m.upstream, m.sender, m.size, m.lane, m.eight_bit, m.smtputf8, m.segment,"
    " m.position, m.head_length, m.body_length, m.kind, r.warned, m.message_id"
    " FROM recipient r JOIN message m ON m.id = r.message WHERE r.state = 'queued' AND ";
const std::string queue_page = queue_items +
                               "(r.due_ms, r.message, r.n) > (?, ?, ?) AND m.rowid <= ?"
                               " ORDER BY r.due_ms, r.message, r.n LIMIT ?";
const std::string queue_of_message = queue_items + "r.message = ? ORDER BY r.n";

QueueItem read_item(Rows& rows) {
  QueueItem item;
  item.message = rows.ulid();
  item.n = rows.number<std::uint32_t>();
  item.due = rows.time();
  item.accepted_at = rows.time();
  item.expires_at = rows.time();
  item.attempts = rows.number<std::uint32_t>();
  item.address = rows.text();
  item.key = rows.text();
  item.shop = rows.text();
  item.upstream = rows.text();
  item.sender = rows.text();
  item.size = rows.number<std::uint64_t>();
  item.lane = known(records::parse_lane(rows.text()));
  item.eight_bit = rows.integer() != 0;
  item.smtputf8 = rows.integer() != 0;
  item.location.segment = rows.number<std::uint64_t>();
  item.location.offset = rows.number<std::uint64_t>();
  item.location.head_length = rows.number<std::uint32_t>();
  item.location.body_length = rows.number<std::uint32_t>();
  item.kind = known(records::parse_kind(rows.text()));
  item.warned = rows.integer() != 0;
  item.message_id = rows.text();
  return item;
}

}  // namespace

bool record(Transaction& change, const Outcome& outcome, const records::ListRules& rules) {
  const Billed whose = billed(change.book(), outcome.message);
  records::Counts counts;
  std::map<std::string, std::int64_t> finals;  // by domain
  bool changed = false;
  for (const RecipientOutcome& one : outcome.recipients) {
    const auto key = advance(change.book(), outcome, one);
    if (!key) continue;
    changed = true;
    if (one.attempt && !records::is_open(one.state)) ++finals[std::string(domain_of(*key))];
    if (const auto place = counter(one.state)) ++(counts.*place);
    // The bounce may overtake the reply that was to say that the mail is sent.
    if (one.state == records::State::sent &&
        said_to_have_failed(change.book(), outcome.message, one.n))
      ++counts.bounced_later;
  }
  for (const records::Charge& charge : outcome.charges)
    charge_once(change, whose, charge, outcome.at);
  count(change, whose.shop, outcome.at, counted(whose.kind, counts));
  if (!changed) return false;
  for (const auto& [domain, recipients] : finals)
    count_finals(change, domain, outcome.at, recipients, rules);
  for (const records::Sign& sign : outcome.signs) {
    Weighed weighed = weigh(change, sign, rules);
    if (outcome.weighed) outcome.weighed->push_back(std::move(weighed));
  }
  if (outcome.report) insert(change, outcome.report->message, outcome.report->recipients);
  return true;
}

std::int64_t retry(Transaction& change, const QueueFilter& filter, TimePoint now,
                   std::int64_t limit) {
  return change.book().execute(
      "UPDATE recipient SET due_ms = ?1 WHERE (message, n) IN (SELECT r.message, r.n FROM "
      "recipient r"
      " WHERE r.state = 'queued' AND r.due_ms > ?1" +
          conditions(filter) + " LIMIT ?5)",
      now, filter.message, filter.shop, key_ending(filter.domain), limit);
}

QueueReader::QueueReader(const std::string& book, std::int64_t last)
    : connection_(book, Access::read, reader_patience), last_(last) {
  require_current_schema(connection_);
}

std::vector<QueueItem> QueueReader::next(std::size_t limit) {
  Rows rows = connection_.query(queue_page, due_, message_, n_, last_, limit);
  std::vector<QueueItem> page;
  while (rows.next()) page.push_back(read_item(rows));
  if (!page.empty()) {
    due_ = page.back().due;
    message_ = page.back().message;
    n_ = page.back().n;
  }
  return page;
}

std::vector<QueueItem> QueueReader::of(const Ulid& message) {
  Rows rows = connection_.query(queue_of_message, message);
  std::vector<QueueItem> items;
  while (rows.next()) items.push_back(read_item(rows));
  return items;
}

}  // namespace ecrelay::store

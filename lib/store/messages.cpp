#include "store/messages.h"

#include "store/ledger.h"
#include "store/row_reading.h"

namespace ecrelay::store {
namespace {

using records::Counts;
using records::Message;
using records::Recipient;

std::optional<Ulid> first_of(Connection& book, const Message& message) {
  Rows rows =
      book.query("SELECT message FROM idempotency WHERE shop = ? AND key = ? AND at_ms > ?",
                 message.shop, message.idempotency_key, message.accepted_at - idempotency_lifetime);
  return rows.next() ? std::optional(rows.ulid()) : std::nullopt;
}

void remember_key(Connection& book, const Message& message) {
  book.execute(
      "DELETE FROM idempotency WHERE (shop, key) IN (SELECT shop, key FROM idempotency"
      " WHERE at_ms <= ? ORDER BY at_ms LIMIT 4)",
      message.accepted_at - idempotency_lifetime);
  book.execute(
      "INSERT INTO idempotency (shop, key, message, at_ms) VALUES (?,?,?,?)"
      " ON CONFLICT (shop, key) DO UPDATE SET message = excluded.message, at_ms = excluded.at_ms",
      message.shop, message.idempotency_key, message.id, message.accepted_at);
}

void insert_row(Connection& book, const Message& m) {
  book.execute(
      "INSERT INTO message (id, accepted_ms, expires_ms, shop, host, client, session, helo, tls,"
      " sender, header_from, message_id, subject, size, lane, tag, metadata, idempotency_key,"
      " upstream, signatures, eight_bit, smtputf8, segment, position, head_length, body_length, "
      "kind)"
      " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      m.id, m.accepted_at, m.expires_at, m.shop, m.host, m.client, m.session, m.helo, m.tls,
      m.sender, m.header_from, m.message_id, m.subject, m.size, records::text(m.lane), m.tag,
      m.metadata, m.idempotency_key, m.upstream, m.signatures, m.eight_bit, m.smtputf8,
      m.location.segment, m.location.offset, m.location.head_length, m.location.body_length,
      records::text(m.kind));
}

void insert_row(Connection& book, const Message& message, const Recipient& r) {
  std::optional<TimePoint> finished;
  if (!records::is_open(r.state)) finished = message.accepted_at;
  book.execute(
      "INSERT INTO recipient (message, n, address, key, state, due_ms, finished_ms, reply)"
      " VALUES (?,?,?,?,?,?,?,?)",
      message.id, r.n, r.address, r.key, records::text(r.state), r.due, finished,
      records::bounded(r.reply, records::max_reply));
}

Counts counts_of(const std::vector<Recipient>& recipients) {
  Counts counts;
  counts.messages = 1;
  counts.recipients = static_cast<std::int64_t>(recipients.size());
  for (const Recipient& each : recipients)
    if (const auto place = counter(each.state)) ++(counts.*place);
  return counts;
}

/// What insert() counted, negative. Recipients that were final from the start were counted on
/// the message's own day.
Counts taken_back(Connection& book, const Ulid& id) {
  Counts counts;
  counts.messages = -1;
  Rows rows = book.query("SELECT state FROM recipient WHERE message = ?", id);
  while (rows.next()) {
    --counts.recipients;
    const auto state = records::parse_state(rows.text());
    if (const auto place = state ? counter(*state) : nullptr) --(counts.*place);
  }
  return counts;
}

}  // namespace

std::optional<Ulid> insert(Transaction& change, const Message& message,
                           const std::vector<Recipient>& recipients) {
  Connection& book = change.book();
  if (!message.idempotency_key.empty()) {
    if (const auto first = first_of(book, message)) return first;
    remember_key(book, message);
  }
  insert_row(book, message);
  for (const Recipient& each : recipients) insert_row(book, message, each);
  count(change, message.shop, message.accepted_at, counted(message.kind, counts_of(recipients)));
  return std::nullopt;
}

std::optional<records::Location> location_of(Connection& book, const Ulid& id) {
  Rows rows = book.query(
      "SELECT segment, position, head_length, body_length FROM message WHERE id = ?", id);
  if (!rows.next()) return std::nullopt;
  records::Location location;
  location.segment = rows.number<std::uint64_t>();
  location.offset = rows.number<std::uint64_t>();
  location.head_length = rows.number<std::uint32_t>();
  location.body_length = rows.number<std::uint32_t>();
  return location;
}

bool take_back(Transaction& change, const Ulid& id) {
  Connection& book = change.book();
  Rows rows =
      book.query("SELECT shop, accepted_ms, idempotency_key, kind FROM message WHERE id = ?", id);
  if (!rows.next()) return false;
  const std::string shop = rows.text();
  const TimePoint accepted_at = rows.time();
  const std::string key = rows.text();
  const records::Kind kind = known(records::parse_kind(rows.text()));
  count(change, shop, accepted_at, counted(kind, taken_back(book, id)));
  book.execute("DELETE FROM idempotency WHERE shop = ? AND key = ? AND message = ?", shop, key, id);
  book.execute("DELETE FROM recipient WHERE message = ?", id);
  book.execute("DELETE FROM message WHERE id = ?", id);
  return true;
}

}  // namespace ecrelay::store

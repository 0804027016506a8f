#include "store/intervention.h"

#include <string_view>
#include <utility>

#include "records/message.h"
#include "store/ledger.h"
#include "store/queue_filter.h"
#include "store/row_reading.h"

namespace ecrelay::store {
namespace {

/// With the parameters ?1 message and ?2 key_ending().
constexpr std::string_view chosen_rows =
    " WHERE message = ?1 AND (?2 IS NULL OR substr(key, -length(?2)) = ?2) AND state = ";

std::string update(std::string_view assignments, std::string_view state) {
  return "UPDATE recipient SET " + std::string(assignments) + std::string(chosen_rows) + "'" +
         std::string(state) + "'";
}

std::int64_t cancel_in(Connection& book, records::State state, const Chosen& chosen, TimePoint now,
                       const std::string& why) {
  return book.execute(
      update("state = 'cancelled', finished_ms = ?3, reply = ?4", records::text(state)),
      chosen.message, key_ending(chosen.domain), now, records::bounded(why, records::max_reply));
}

struct Sender {
  std::string shop;
  records::Kind kind;
};

Sender sender_of(Connection& book, const Ulid& message) {
  Rows rows = book.query("SELECT shop, kind FROM message WHERE id = ?", message);
  if (!rows.next()) throw Refused("the book has no message " + message.text());
  std::string shop = rows.text();
  return Sender{std::move(shop), known(records::parse_kind(rows.text()))};
}

}  // namespace

std::int64_t hold(Transaction& change, const Chosen& chosen) {
  return change.book().execute(update("state = 'held'", "queued"), chosen.message,
                               key_ending(chosen.domain));
}

std::int64_t release(Transaction& change, const Chosen& chosen, TimePoint now) {
  return change.book().execute(update("state = 'queued', due_ms = ?3", "held"), chosen.message,
                               key_ending(chosen.domain), now);
}

Cancelled cancel(Transaction& change, const Chosen& chosen, TimePoint now, const std::string& why) {
  Connection& book = change.book();
  const Sender sender = sender_of(book, chosen.message);
  Cancelled cancelled;
  cancelled.queued = cancel_in(book, records::State::queued, chosen, now, why);
  cancelled.held = cancel_in(book, records::State::held, chosen, now, why);
  records::Counts counts;
  counts.cancelled = cancelled.queued + cancelled.held;
  count(change, sender.shop, now, counted(sender.kind, counts));
  return cancelled;
}

}  // namespace ecrelay::store

#include "store/intervention.h"

#include <string_view>

#include "records/message.h"
#include "store/ledger.h"
#include "store/queue_filter.h"

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

std::string shop_of(Connection& book, const Ulid& message) {
  Rows rows = book.query("SELECT shop FROM message WHERE id = ?", message);
  if (!rows.next()) throw Refused("the book has no message " + message.text());
  return rows.text();
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
  const std::string shop = shop_of(book, chosen.message);
  Cancelled cancelled;
  cancelled.queued = cancel_in(book, records::State::queued, chosen, now, why);
  cancelled.held = cancel_in(book, records::State::held, chosen, now, why);
  records::Usage usage;
  usage.cancelled = cancelled.queued + cancelled.held;
  count(change, shop, now, usage);
  return cancelled;
}

}  // namespace ecrelay::store

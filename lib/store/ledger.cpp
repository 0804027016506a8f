#include "store/ledger.h"

namespace ecrelay::store {

using records::State;
using records::Usage;

bool charge_once(Transaction& change, const Billed& billed, const records::Charge& charge,
                 TimePoint at) {
  std::optional<std::uint32_t> recipient;
  if (charge.unit == records::Unit::recipient) recipient = charge.recipient;
  // The guard trigger refuses a second charge; asking first makes a repeat harmless.
  return change.book().execute(
             "INSERT INTO ledger (kind, at_ms, shop, message, recipient, unit, price_milli,"
             " amount_milli, tag) SELECT 'charge', ?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7 WHERE NOT EXISTS"
             " (SELECT 1 FROM ledger WHERE kind = 'charge' AND message = ?3"
             " AND (recipient IS NULL OR ?4 IS NULL OR recipient = ?4))",
             at, billed.shop, billed.message, recipient, records::text(charge.unit), charge.price,
             billed.tag) == 1;
}

void count(Transaction& change, const std::string& shop, TimePoint at, const Usage& more) {
  if (more == Usage()) return;
  change.book().execute(
      "INSERT INTO daily (shop, day, messages, recipients, sent, bounced, suppressed, expired,"
      " cancelled, sandboxed, charges, amount_milli) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"
      " ON CONFLICT (shop, day) DO UPDATE SET messages = messages + excluded.messages,"
      " recipients = recipients + excluded.recipients, sent = sent + excluded.sent,"
      " bounced = bounced + excluded.bounced, suppressed = suppressed + excluded.suppressed,"
      " expired = expired + excluded.expired, cancelled = cancelled + excluded.cancelled,"
      " sandboxed = sandboxed + excluded.sandboxed, charges = charges + excluded.charges,"
      " amount_milli = amount_milli + excluded.amount_milli",
      shop, to_text(billing_day(at)), more.messages, more.recipients, more.sent, more.bounced,
      more.suppressed, more.expired, more.cancelled, more.sandboxed, more.charges, more.amount);
}

std::int64_t Usage::*counter(State state) {
  switch (state) {
    case State::sent:
      return &Usage::sent;
    case State::bounced:
      return &Usage::bounced;
    case State::suppressed:
      return &Usage::suppressed;
    case State::expired:
      return &Usage::expired;
    case State::cancelled:
      return &Usage::cancelled;
    case State::sandboxed:
      return &Usage::sandboxed;
    case State::queued:
    case State::held:
      break;
  }
  return nullptr;
}

}  // namespace ecrelay::store

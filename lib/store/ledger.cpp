#include "store/ledger.h"

#include <algorithm>
#include <optional>

#include "store/accounts.h"

namespace ecrelay::store {

using records::Counts;
using records::State;

namespace {

/// Up to when months are closed; the beginning of all time when none is.
TimePoint closed_until(Connection& book) {
  Rows rows = book.query("SELECT ifnull(max(until_ms), 0) FROM month");
  rows.next();
  return rows.time();
}

/// When a fact of `at` is booked; nothing where that is its own time.
std::optional<TimePoint> booked_later(Connection& book, TimePoint at) {
  const TimePoint open_from = closed_until(book);
  return at < open_from ? std::optional(open_from) : std::nullopt;
}

}  // namespace

bool charge_once(Transaction& change, const Billed& billed, const records::Charge& charge,
                 TimePoint at) {
  if (billed.kind != records::Kind::mail) return false;
  std::optional<std::uint32_t> recipient;
  std::optional<std::int64_t> recipients = billed.recipients;
  if (charge.unit == records::Unit::recipient) {
    recipient = charge.recipient;
    recipients.reset();
  }
  const std::optional<TimePoint> booked = booked_later(change.book(), at);
  // The guard trigger refuses a second charge; asking first makes a repeat harmless.
  return change.book().execute(
             "INSERT INTO ledger (kind, at_ms, shop, message, recipient, unit, price_milli,"
             " amount_milli, tag, recipients, booked_ms)"
             " SELECT 'charge', ?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9 WHERE NOT EXISTS"
             " (SELECT 1 FROM ledger WHERE kind = 'charge' AND message = ?3"
             " AND (recipient IS NULL OR ?4 IS NULL OR recipient = ?4))"
             " AND ?3 >= ifnull((SELECT max(charged_before) FROM archive), x'')",
             at, billed.shop, billed.message, recipient, records::text(charge.unit), charge.price,
             billed.tag, recipients, booked) == 1;
}

std::int64_t reverse(Transaction& change, const Reversal& reversal) {
  const auto charge = Accounts(change.book()).entry(reversal.charge);
  if (!charge || charge->kind != records::EntryKind::charge)
    throw Refused("the ledger has no charge " + std::to_string(reversal.charge));
  change.book().execute(
      "INSERT INTO ledger (kind, at_ms, booked_ms, shop, message, recipient, recipients, unit,"
      " price_milli, amount_milli, reverses, tag, reason, actor)"
      " VALUES ('reversal',?,?,?,?,?,?,?,?,?,?,?,?,?)",
      reversal.at, booked_later(change.book(), reversal.at), charge->shop, charge->message,
      charge->recipient, charge->recipients, records::text(charge->unit), charge->price,
      Money() - charge->amount, charge->id, charge->tag, reversal.reason, reversal.actor);
  return change.book().last_id();
}

std::int64_t adjust(Transaction& change, const Adjustment& adjustment) {
  change.book().execute(
      "INSERT INTO ledger (kind, at_ms, shop, unit, price_milli, amount_milli, reason, actor,"
      " booked_ms) VALUES ('adjustment', ?, ?, 'message', 0, ?, ?, ?, ?)",
      adjustment.at, adjustment.shop, adjustment.amount, adjustment.reason, adjustment.actor,
      booked_later(change.book(), adjustment.at));
  return change.book().last_id();
}

void count(Transaction& change, const std::string& shop, TimePoint at, const Counts& more) {
  if (more == Counts()) return;
  const TimePoint booked = std::max(at, closed_until(change.book()));
  const std::string day = to_text(billing_day(booked));
  const auto add = [&] {
    return change.book().execute(
        "UPDATE daily SET messages = messages + ?, recipients = recipients + ?, sent = sent + ?,"
        " bounced = bounced + ?, suppressed = suppressed + ?, expired = expired + ?,"
        " cancelled = cancelled + ?, sandboxed = sandboxed + ?, reports = reports + ?,"
        " tests = tests + ?, bounced_later = bounced_later + ? WHERE shop = ? AND day = ?",
        more.messages, more.recipients, more.sent, more.bounced, more.suppressed, more.expired,
        more.cancelled, more.sandboxed, more.reports, more.tests, more.bounced_later, shop, day);
  };
  if (add() == 1) return;
  change.book().execute("INSERT INTO daily (shop, day) VALUES (?, ?)", shop, day);
  add();
}

Counts counted(records::Kind kind, const Counts& counts) {
  if (kind == records::Kind::mail) return counts;
  Counts own;
  (kind == records::Kind::report ? own.reports : own.tests) = counts.messages;
  return own;
}

std::int64_t Counts::*counter(State state) {
  switch (state) {
    case State::sent:
      return &Counts::sent;
    case State::bounced:
      return &Counts::bounced;
    case State::suppressed:
      return &Counts::suppressed;
    case State::expired:
      return &Counts::expired;
    case State::cancelled:
      return &Counts::cancelled;
    case State::sandboxed:
      return &Counts::sandboxed;
    case State::queued:
    case State::held:
      break;
  }
  return nullptr;
}

}  // namespace ecrelay::store

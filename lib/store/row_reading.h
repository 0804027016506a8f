#pragma once

#include <optional>
#include <string_view>

#include "records/audit.h"
#include "records/charge.h"
#include "records/message.h"
#include "records/report.h"
#include "records/suppression.h"
#include "store/database.h"

/// The columns of each table as text, and the function that takes them from a row in that order.
namespace ecrelay::store {

/// The value that a word of the book stands for. The book's CHECKs let no other word in, so
/// anything else is damage.
template <typename Enum>
Enum known(std::optional<Enum> value) {
  if (!value) throw Failure("the book holds a word that this program does not know");
  return *value;
}

inline constexpr std::string_view message_columns =
    "id, accepted_ms, expires_ms, shop, host, client, session, helo, tls, sender, header_from,"
    " message_id, subject, size, lane, tag, metadata, idempotency_key, upstream, signatures,"
    " eight_bit, smtputf8, segment, position, head_length, body_length, kind";
records::Message read_message(Rows& rows);

/// Of table recipient under the name `r`.
inline constexpr std::string_view recipient_columns =
    "r.message, r.n, r.address, r.key, r.state, r.due_ms, r.attempts, r.finished_ms, r.reply";
records::Recipient read_recipient(Rows& rows);

inline constexpr std::string_view attempt_columns =
    "message, recipient, number, at_ms, upstream, server, stage, code, enhanced, reply, verdict, "
    "tls,"
    " duration_ms";
records::Attempt read_attempt(Rows& rows);

inline constexpr std::string_view report_columns =
    "message, recipient, at_ms, kind, action, status, reply, decision, reason, text";
records::Report read_report(Rows& rows);

inline constexpr std::string_view ledger_columns =
    "id, kind, at_ms, ifnull(booked_ms, at_ms), day, shop, message, recipient, recipients, unit,"
    " price_milli, amount_milli, reverses, tag, reason, actor";
records::LedgerEntry read_ledger(Rows& rows);

/// Sums of daily totals, and the span of days and the shop (or NULL) that they may be of.
inline constexpr std::string_view usage_sums =
    "ifnull(sum(messages), 0), ifnull(sum(recipients), 0), ifnull(sum(sent), 0),"
    " ifnull(sum(bounced), 0), ifnull(sum(suppressed), 0), ifnull(sum(expired), 0),"
    " ifnull(sum(cancelled), 0), ifnull(sum(sandboxed), 0), ifnull(sum(reports), 0),"
    " ifnull(sum(tests), 0), ifnull(sum(bounced_later), 0), ifnull(sum(charges), 0),"
    " ifnull(sum(amount_milli), 0), ifnull(sum(reversals), 0), ifnull(sum(reversals_milli), 0),"
    " ifnull(sum(adjustments), 0), ifnull(sum(adjustments_milli), 0) FROM daily";
inline constexpr const char* usage_span =
    " WHERE day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR shop = ?3)";
records::Usage read_usage(Rows& rows);

inline constexpr std::string_view entry_columns =
    "id, shop, key, address, reason, since_ms, expires_ms, evidence, message, actor, closed_ms,"
    " trial, lifted_ms, dry";
records::SuppressionEntry read_entry(Rows& rows);

/// Of table parked, as entries that were not made; their id is the row's.
inline constexpr std::string_view parked_columns =
    "id, shop, key, address, reason, since_ms, expires_ms, evidence, message";
records::SuppressionEntry read_parked(Rows& rows);

inline constexpr std::string_view event_columns =
    "id, at_ms, entry, shop, key, event, reason, actor, evidence, message";
records::SuppressionEvent read_event(Rows& rows);

inline constexpr std::string_view audit_columns =
    "id, at_ms, actor, origin, action, target, reason, detail";
records::AuditRow read_audit(Rows& rows);

}  // namespace ecrelay::store

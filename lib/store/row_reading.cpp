#include "store/row_reading.h"

namespace ecrelay::store {

records::Message read_message(Rows& rows) {
  records::Message m;
  m.id = rows.ulid();
  m.accepted_at = rows.time();
  m.expires_at = rows.time();
  m.shop = rows.text();
  m.host = rows.text();
  m.client = rows.text();
  m.session = rows.text();
  m.helo = rows.text();
  m.tls = rows.text();
  m.sender = rows.text();
  m.header_from = rows.text();
  m.message_id = rows.text();
  m.subject = rows.text();
  m.size = rows.number<std::uint64_t>();
  m.lane = known(records::parse_lane(rows.text()));
  m.tag = rows.text();
  m.metadata = rows.text();
  m.idempotency_key = rows.text();
  m.upstream = rows.text();
  m.signatures = rows.text();
  m.eight_bit = rows.integer() != 0;
  m.smtputf8 = rows.integer() != 0;
  m.location.segment = rows.number<std::uint64_t>();
  m.location.offset = rows.number<std::uint64_t>();
  m.location.head_length = rows.number<std::uint32_t>();
  m.location.body_length = rows.number<std::uint32_t>();
  m.kind = known(records::parse_kind(rows.text()));
  return m;
}

records::Recipient read_recipient(Rows& rows) {
  records::Recipient r;
  r.message = rows.ulid();
  r.n = rows.number<std::uint32_t>();
  r.address = rows.text();
  r.key = rows.text();
  r.state = known(records::parse_state(rows.text()));
  r.due = rows.time();
  r.attempts = rows.number<std::uint32_t>();
  r.finished_at = rows.maybe(&Rows::time);
  r.reply = rows.text();
  return r;
}

records::Attempt read_attempt(Rows& rows) {
  records::Attempt a;
  a.message = rows.ulid();
  a.recipient = rows.number<std::uint32_t>();
  a.number = rows.number<std::uint32_t>();
  a.at = rows.time();
  a.upstream = rows.text();
  a.server = rows.text();
  a.stage = rows.text();
  a.code = rows.number<std::uint16_t>();
  a.enhanced = rows.text();
  a.reply = rows.text();
  a.verdict = rows.text();
  a.tls = rows.text();
  a.duration = Duration(rows.integer());
  return a;
}

records::Report read_report(Rows& rows) {
  records::Report r;
  r.message = rows.ulid();
  r.recipient = rows.number<std::uint32_t>();
  r.at = rows.time();
  r.kind = rows.text();
  r.action = rows.text();
  r.status = rows.text();
  r.reply = rows.text();
  r.decision = rows.text();
  r.reason = rows.text();
  r.text = rows.text();
  return r;
}

records::LedgerEntry read_ledger(Rows& rows) {
  records::LedgerEntry e;
  e.id = rows.integer();
  e.kind = known(records::parse_entry_kind(rows.text()));
  e.at = rows.time();
  e.booked_at = rows.time();
  e.day = rows.text();
  e.shop = rows.text();
  e.message = rows.maybe(&Rows::ulid);
  e.recipient = rows.maybe(&Rows::number<std::uint32_t>);
  e.recipients = rows.maybe(&Rows::integer);
  e.unit = known(records::parse_unit(rows.text()));
  e.price = rows.money();
  e.amount = rows.money();
  e.reverses = rows.maybe(&Rows::integer);
  e.tag = rows.text();
  e.reason = rows.text();
  e.actor = rows.text();
  return e;
}

records::SuppressionEntry read_parked(Rows& rows) {
  records::SuppressionEntry e;
  e.id = rows.integer();
  e.shop = rows.text();
  e.key = rows.text();
  e.address = rows.text();
  e.reason = rows.text();
  e.since = rows.time();
  e.expires_at = rows.maybe(&Rows::time);
  e.evidence = rows.text();
  e.message = rows.maybe(&Rows::ulid);
  e.actor = "relay";
  return e;
}

records::Usage read_usage(Rows& rows) {
  records::Usage usage;
  usage.messages = rows.integer();
  usage.recipients = rows.integer();
  usage.sent = rows.integer();
  usage.bounced = rows.integer();
  usage.suppressed = rows.integer();
  usage.expired = rows.integer();
  usage.cancelled = rows.integer();
  usage.sandboxed = rows.integer();
  usage.reports = rows.integer();
  usage.tests = rows.integer();
  usage.bounced_later = rows.integer();
  usage.charges = rows.integer();
  usage.amount = rows.money();
  usage.reversals = rows.integer();
  usage.reversed = rows.money();
  usage.adjustments = rows.integer();
  usage.adjusted = rows.money();
  return usage;
}

records::SuppressionEvent read_event(Rows& rows) {
  records::SuppressionEvent e;
  e.id = rows.integer();
  e.at = rows.time();
  e.entry = rows.integer();
  e.shop = rows.text();
  e.key = rows.text();
  e.event = rows.text();
  e.reason = rows.text();
  e.actor = rows.text();
  e.evidence = rows.text();
  e.message = rows.maybe(&Rows::ulid);
  return e;
}

records::AuditRow read_audit(Rows& rows) {
  records::AuditRow row;
  row.id = rows.integer();
  row.at = rows.time();
  row.actor = rows.text();
  row.origin = rows.text();
  row.action = rows.text();
  row.target = rows.text();
  row.reason = rows.text();
  row.detail = rows.text();
  return row;
}

records::SuppressionEntry read_entry(Rows& rows) {
  records::SuppressionEntry entry;
  entry.id = rows.integer();
  entry.shop = rows.text();
  entry.key = rows.text();
  entry.address = rows.text();
  entry.reason = rows.text();
  entry.since = rows.time();
  entry.expires_at = rows.maybe(&Rows::time);
  entry.evidence = rows.text();
  entry.message = rows.maybe(&Rows::ulid);
  entry.actor = rows.text();
  entry.closed_at = rows.maybe(&Rows::time);
  entry.trial = rows.maybe(&Rows::ulid);
  entry.lifted_until = rows.maybe(&Rows::time);
  entry.dry_run = rows.integer() != 0;
  return entry;
}

}  // namespace ecrelay::store

#include "control/forms.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <optional>
#include <string>

#include "control/json.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;

json::value id_of(const std::optional<Ulid>& id) {
  if (!id) return nullptr;
  return json::string(id->text());
}

json::string yen(Money amount) { return json::string(amount.exact()); }

/// When an open recipient is due; nothing once it is final.
json::value due(const records::Recipient& recipient) {
  if (!records::is_open(recipient.state)) return nullptr;
  return json_time(recipient.due);
}

json::object to_json(const records::Attempt& attempt) {
  json::object object;
  object["number"] = attempt.number;
  object["at"] = json_time(attempt.at);
  object["upstream"] = json_text(attempt.upstream);
  object["server"] = json_text(attempt.server);
  object["stage"] = json_text(attempt.stage);
  object["code"] = attempt.code;
  object["enhanced"] = json_text(attempt.enhanced);
  object["reply"] = json_text(attempt.reply);
  object["verdict"] = json_text(attempt.verdict);
  object["tls"] = json_text(attempt.tls);
  object["ms"] = attempt.duration.count();
  return object;
}

json::object to_json(const records::Report& report) {
  json::object object;
  object["at"] = json_time(report.at);
  object["kind"] = json_text(report.kind);
  object["action"] = json_text(report.action);
  object["status"] = json_text(report.status);
  object["reply"] = json_text(report.reply);
  object["decision"] = json_text(report.decision);
  object["reason"] = json_text(report.reason);
  object["text"] = json_text(report.text);
  return object;
}

json::object to_json(const records::Recipient& recipient) {
  json::object object;
  object["n"] = recipient.n;
  object["address"] = json_text(recipient.address);
  object["key"] = json_text(recipient.key);
  object["state"] = records::text(recipient.state);
  object["due"] = due(recipient);
  object["attempts"] = recipient.attempts;
  object["finished_at"] = json_time(recipient.finished_at);
  object["reply"] = json_text(recipient.reply);
  return object;
}

json::array tries_of(const store::MessageTrace& trace, std::uint32_t recipient) {
  json::array tries;
  for (const records::Attempt& attempt : trace.attempts) {
    if (attempt.recipient == recipient) tries.push_back(to_json(attempt));
  }
  return tries;
}

json::array reports_of(const store::MessageTrace& trace, std::uint32_t recipient) {
  json::array reports;
  for (const records::Report& report : trace.reports) {
    if (report.recipient == recipient) reports.push_back(to_json(report));
  }
  return reports;
}

/// Sent, and reported to have failed after all: what was charged for it stays charged.
bool bounced_later(const store::MessageTrace& trace, const records::Recipient& recipient) {
  return recipient.state == records::State::sent &&
         std::any_of(trace.reports.begin(), trace.reports.end(), [&](const records::Report& each) {
           return each.recipient == recipient.n && each.action == "failed";
         });
}

json::object to_json(const records::Message& message) {
  json::object object;
  object["id"] = message.id.text();
  object["accepted_at"] = json_time(message.accepted_at);
  object["expires_at"] = json_time(message.expires_at);
  object["shop"] = json_text(message.shop);
  object["kind"] = records::text(message.kind);
  object["host"] = json_text(message.host);
  object["client"] = json_text(message.client);
  object["session"] = json_text(message.session);
  object["helo"] = json_text(message.helo);
  object["tls"] = json_text(message.tls);
  object["sender"] = json_text(message.sender);
  object["header_from"] = json_text(message.header_from);
  object["message_id"] = json_text(message.message_id);
  object["subject"] = json_text(message.subject);
  object["size"] = message.size;
  object["lane"] = records::text(message.lane);
  object["tag"] = json_text(message.tag);
  object["metadata"] = json_text(message.metadata);
  object["idempotency_key"] = json_text(message.idempotency_key);
  object["upstream"] = json_text(message.upstream);
  object["signatures"] = json_text(message.signatures);
  return object;
}

}  // namespace

json::object to_json(const store::QueueRow& row) {
  json::object object;
  object["id"] = row.recipient.message.text();
  object["n"] = row.recipient.n;
  object["address"] = json_text(row.recipient.address);
  object["state"] = records::text(row.recipient.state);
  object["due"] = due(row.recipient);
  object["attempts"] = row.recipient.attempts;
  object["reply"] = json_text(row.recipient.reply);
  object["shop"] = json_text(row.shop);
  object["sender"] = json_text(row.sender);
  object["subject"] = json_text(row.subject);
  object["accepted_at"] = json_time(row.accepted_at);
  object["expires_at"] = json_time(row.expires_at);
  return object;
}

json::object to_json(const store::MessageTrace& trace) {
  json::object object = to_json(trace.message);
  json::array recipients, ledger, suppressions;
  for (const records::Recipient& recipient : trace.recipients) {
    json::object each = to_json(recipient);
    each["tries"] = tries_of(trace, recipient.n);
    each["reports"] = reports_of(trace, recipient.n);
    each["bounced_later"] = bounced_later(trace, recipient);
    recipients.push_back(std::move(each));
  }
  Money charged;
  for (const records::LedgerEntry& entry : trace.ledger) {
    charged = charged + entry.amount;
    ledger.push_back(to_json(entry));
  }
  for (const records::SuppressionEvent& event : trace.suppressions) {
    suppressions.push_back(to_json(event));
  }
  object["recipients"] = std::move(recipients);
  object["ledger"] = std::move(ledger);
  object["charged_yen"] = yen(charged);
  object["suppressions"] = std::move(suppressions);
  return object;
}

json::object to_json(const records::LedgerEntry& entry) {
  json::object object;
  object["charge"] = entry.id;
  object["kind"] = records::text(entry.kind);
  object["at"] = json_time(entry.at);
  object["booked_at"] = json_time(entry.booked_at);
  object["day"] = json_text(entry.day);
  object["shop"] = json_text(entry.shop);
  object["message"] = id_of(entry.message);
  object["recipient"] = entry.recipient ? json::value(*entry.recipient) : json::value(nullptr);
  object["unit"] = records::text(entry.unit);
  object["price_yen"] = yen(entry.price);
  object["amount_yen"] = yen(entry.amount);
  object["reverses"] = entry.reverses ? json::value(*entry.reverses) : json::value(nullptr);
  object["tag"] = json_text(entry.tag);
  object["reason"] = json_text(entry.reason);
  object["actor"] = json_text(entry.actor);
  return object;
}

json::object to_json(const records::Usage& usage) {
  json::object object;
  object["messages"] = usage.messages;
  object["recipients"] = usage.recipients;
  object["sent"] = usage.sent;
  object["bounced"] = usage.bounced;
  object["suppressed"] = usage.suppressed;
  object["expired"] = usage.expired;
  object["cancelled"] = usage.cancelled;
  object["sandboxed"] = usage.sandboxed;
  object["reports"] = usage.reports;
  object["tests"] = usage.tests;
  object["bounced_later"] = usage.bounced_later;
  object["charges"] = usage.charges;
  object["amount_yen"] = yen(usage.amount);
  object["reversals"] = usage.reversals;
  object["reversals_yen"] = yen(Money() - usage.reversed);
  object["adjustments_yen"] = yen(usage.adjusted);
  object["net_yen"] = yen(usage.net());
  return object;
}

json::object to_json(const records::SuppressionEntry& entry, TimePoint now) {
  json::object object;
  object["entry"] = entry.id;
  object["shop"] = json_text(entry.shop);
  object["key"] = json_text(entry.key);
  object["address"] = json_text(entry.address);
  object["reason"] = json_text(entry.reason);
  object["since"] = json_time(entry.since);
  object["expires_at"] = json_time(entry.expires_at);
  object["trial"] = id_of(entry.trial);
  object["lifted_until"] = json_time(entry.lifted_until);
  object["dry_run"] = entry.dry_run;
  object["blocking"] = !entry.closed_at && !entry.dry_run &&
                       (!entry.expires_at || *entry.expires_at > now) &&
                       (!entry.lifted_until || *entry.lifted_until <= now);
  object["evidence"] = json_text(entry.evidence);
  object["message"] = id_of(entry.message);
  object["actor"] = json_text(entry.actor);
  return object;
}

json::object to_json(const records::SuppressionEvent& event) {
  json::object object;
  object["at"] = json_time(event.at);
  object["event"] = json_text(event.event);
  object["entry"] = event.entry;
  object["shop"] = json_text(event.shop);
  object["key"] = json_text(event.key);
  object["reason"] = json_text(event.reason);
  object["actor"] = json_text(event.actor);
  object["evidence"] = json_text(event.evidence);
  object["message"] = id_of(event.message);
  return object;
}

json::object to_json(const records::AuditRow& row) {
  json::object object;
  object["id"] = row.id;
  object["at"] = json_time(row.at);
  object["actor"] = json_text(row.actor);
  object["origin"] = json_text(row.origin);
  object["action"] = json_text(row.action);
  object["target"] = json_text(row.target);
  object["reason"] = json_text(row.reason);
  object["detail"] = json_text(row.detail);
  return object;
}

}  // namespace ecrelay::control

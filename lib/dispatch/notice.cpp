#include "dispatch/notice.h"

#include <utility>

#include "mail/address.h"
#include "mail/delivery_report.h"

namespace ecrelay::dispatch {
namespace {

using mail::DeliveryReport;
using records::State;

mail::ReportedRecipient reported(const Job::Recipient& recipient, const Concluded& concluded,
                                 const Attempted& attempted) {
  mail::ReportedRecipient result;
  result.address = recipient.address;
  const smtp::Reply& reply = concluded.result.reply;
  if (concluded.state == State::bounced)
    result.status = reply.enhanced.empty() ? "5.0.0" : reply.enhanced;
  else  // RFC 3463 3.5: delivery time expired
    result.status = concluded.state == State::expired ? "4.4.7" : "4.0.0";
  const bool spoken = concluded.result.origin == smtp::Origin::peer;
  if (spoken) result.remote_mta = attempted.server_host;
  result.diagnostic = spoken ? reply.line() : reply.text;
  result.last_attempt = attempted.at;
  return result;
}

bool is_failure(const Concluded& concluded) {
  return concluded.state == State::bounced || concluded.state == State::expired;
}

bool is_late(const Job& job, const Job::Recipient& recipient, const Concluded& concluded,
             const Attempted& attempted, const Rules& rules) {
  if (!rules.delay_warning || concluded.state != State::queued || recipient.warned) return false;
  return attempted.at - job.accepted_at - attempted.excess_age >= *rules.delay_warning;
}

/// The failed recipients; when there are none, those that are late, marked as told.
DeliveryReport what_to_tell(const Job& job, const Attempted& attempted, const Rules& rules,
                            Conclusion& conclusion) {
  DeliveryReport report;
  for (std::size_t i = 0; i < job.recipients.size(); ++i) {
    if (is_failure(conclusion.recipients[i]))
      report.recipients.push_back(reported(job.recipients[i], conclusion.recipients[i], attempted));
  }
  if (!report.recipients.empty()) return report;
  report.action = DeliveryReport::Action::delayed;
  for (std::size_t i = 0; i < job.recipients.size(); ++i) {
    const Concluded& concluded = conclusion.recipients[i];
    if (!is_late(job, job.recipients[i], concluded, attempted, rules)) continue;
    conclusion.outcome.recipients[i].warned = true;
    report.recipients.push_back(reported(job.recipients[i], concluded, attempted));
  }
  return report;
}

/// The report as a message that is queued, no host's and nobody's session.
store::Acceptance acceptance_of(const Job& job, const Attempted& attempted, const Rules& rules,
                                const DeliveryReport& report) {
  mail::ComposedReport composed = mail::compose_report(report);
  store::Acceptance acceptance;
  records::Message& row = acceptance.message;
  row.id = report.id;
  row.kind = records::Kind::report;
  row.accepted_at = attempted.at;
  row.expires_at = attempted.at + rules.retry.expire;
  row.shop = job.shop;
  row.header_from = "MAILER-DAEMON@" + rules.hostname;
  row.message_id = "<" + report.id.text() + "@" + rules.hostname + ">";
  row.subject = "report on " + job.id.text();
  row.upstream = attempted.upstream;
  row.eight_bit = composed.eight_bit;
  row.smtputf8 = job.smtputf8;
  row.size = composed.head.size() + composed.body.size();

  records::Recipient recipient;
  recipient.message = report.id;
  recipient.address = job.sender;
  recipient.key = mail::parse_address(job.sender, mail::Utf8::allowed).value().key();
  recipient.due = attempted.at;
  acceptance.recipients.push_back(std::move(recipient));
  acceptance.head = std::move(composed.head);
  acceptance.body = std::make_shared<const std::string>(std::move(composed.body));
  return acceptance;
}

}  // namespace

void add_report(const Job& job, const Attempted& attempted, const Rules& rules, const Ulid& id,
                Conclusion& conclusion) {
  if (job.kind == records::Kind::report || job.sender.empty()) return;
  if (!rules.shop(job.shop).failure_reports) return;
  DeliveryReport report = what_to_tell(job, attempted, rules, conclusion);
  if (report.recipients.empty()) return;
  report.id = id;
  report.hostname = rules.hostname;
  report.to = job.sender;
  report.at = attempted.at;
  report.message = job.id;
  report.message_id = job.message_id;
  report.accepted_at = job.accepted_at;
  report.expires_at = job.expires_at;
  report.header = job.head;
  conclusion.outcome.report = acceptance_of(job, attempted, rules, report);
}

}  // namespace ecrelay::dispatch

#include "reports/onward.h"

#include <memory>
#include <utility>

#include "mail/address.h"
#include "mail/forwarded_report.h"
#include "reports/server.h"

namespace ecrelay::reports {
namespace {

constexpr std::uint32_t a_second = 5;
constexpr std::uint32_t at_once = 100;

store::Acceptance acceptance_of(const Subject& subject, const mail::Address& to,
                                const config::Settings& settings,
                                const mail::ForwardedReport& report, mail::CarriedReport carried) {
  store::Acceptance acceptance;
  records::Message& row = acceptance.message;
  row.id = report.id;
  row.kind = records::Kind::report;
  row.accepted_at = report.at;
  row.expires_at = report.at + settings.retry.expire;
  row.shop = subject.addressee.shop;
  row.header_from = "MAILER-DAEMON@" + settings.hostname;
  row.message_id = "<" + report.id.text() + "@" + settings.hostname + ">";
  row.subject = "report on " + report.message.text();
  row.upstream = subject.addressee.upstream;
  row.eight_bit = carried.eight_bit;
  row.smtputf8 = !to.is_ascii();
  row.size = carried.head.size() + carried.body.size();

  records::Recipient recipient;
  recipient.message = report.id;
  recipient.address = to.text();
  recipient.key = to.key();
  recipient.due = report.at;
  acceptance.recipients.push_back(std::move(recipient));
  acceptance.head = std::move(carried.head);
  acceptance.body = std::make_shared<const std::string>(std::move(carried.body));
  return acceptance;
}

bool is_wanted(const Terms& terms, const Subject& subject, TimePoint at) {
  const auto to = mail::parse_address(subject.addressee.sender, mail::Utf8::allowed);
  if (!to || !terms.forwarding.contains(mail::domain_key(to->domain()))) return false;
  const auto path = terms.return_paths->read(to->local(), to->domain(), at);
  return !path && path.error().code == ErrorCode::invalid;
}

}  // namespace

Result<std::optional<store::Acceptance>> Onward::mail(const Terms& terms, const Subject& subject,
                                                      std::string_view bytes, TimePoint at) {
  if (!is_wanted(terms, subject, at)) return std::optional<store::Acceptance>();
  const std::string& shop = subject.addressee.shop;
  const auto rate = rates_.try_emplace(shop, a_second, at_once, at).first;
  if (!rate->second.take(at).allowed())
    return refused("too many reports of shop " + shop + " at once");
  mail::ForwardedReport report;
  report.id = new_ulid(at);
  report.hostname = terms.settings->hostname;
  report.to = subject.addressee.sender;
  report.at = at;
  report.message = subject.path.message;
  report.recipient = subject.addressee.address;
  report.bytes = bytes;
  auto carried = mail::carry_on(report);
  if (!carried) return carried.error();
  const auto to = mail::parse_address(report.to, mail::Utf8::allowed);
  return std::optional(acceptance_of(subject, *to, *terms.settings, report, std::move(*carried)));
}

}  // namespace ecrelay::reports

#include "mail/forwarded_report.h"

#include <algorithm>
#include <array>

#include "core/text.h"
#include "mail/date.h"
#include "mail/header.h"

namespace ecrelay::mail {
namespace {

constexpr std::size_t most_hops = 50;
constexpr std::size_t longest_text = 700;
constexpr std::string_view mark = "X-ECRelay-ID";

/// Fields that speak of the way to us, of whom it was to, or of who vouched for it.
constexpr auto left_out = std::to_array<std::string_view>(
    {"From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Return-Path", "Delivered-To",
     "X-Original-To", "DKIM-Signature", "DomainKey-Signature", "ARC-Seal", "ARC-Message-Signature",
     "ARC-Authentication-Results", "Authentication-Results", "Received-SPF",
     "Disposition-Notification-To"});

bool goes_along(const Field& field) {
  return std::none_of(left_out.begin(), left_out.end(),
                      [&](std::string_view name) { return field.is(name); });
}

/// One line, for a field of ours.
std::string one_line(std::string_view text) {
  std::string line(text.substr(0, longest_text));
  for (char& c : line)
    if (text::is_control(c)) c = ' ';
  return line;
}

std::string fields_of_ours(const ForwardedReport& report, const HeaderSection& header) {
  std::string head = "Received: by " + report.hostname + " (reports) id " + report.id.text() +
                     ";\r\n\t" + header_date(report.at) + "\r\n";
  head += "From: Mail Delivery System <MAILER-DAEMON@" + report.hostname + ">\r\n";
  head += "To: <" + report.to + ">\r\n";
  head += std::string(mark) + ": " + report.message.text() + "\r\n";
  head += "X-ECRelay-Recipient: " + one_line(report.recipient) + "\r\n";
  if (const Field* from = header.find("From"))
    head += "X-ECRelay-From: " + one_line(unfolded(from->value)) + "\r\n";
  if (header.find("Auto-Submitted") == nullptr) head += "Auto-Submitted: auto-generated\r\n";
  if (header.find("Date") == nullptr) head += "Date: " + header_date(report.at) + "\r\n";
  if (header.find("Message-ID") == nullptr)
    head += "Message-ID: <" + report.id.text() + "@" + report.hostname + ">\r\n";
  return head;
}

}  // namespace

Result<CarriedReport> carry_on(const ForwardedReport& report) {
  const auto header = HeaderSection::scan(report.bytes);
  if (!header || header->fields().empty() || !header->stray_lines().empty())
    return invalid("what came is no mail");
  if (header->find(mark) != nullptr || header->count("Received") >= most_hops)
    return refused("what came goes round in circles");
  CarriedReport carried;
  carried.head = fields_of_ours(report, *header);
  for (const Field& field : header->fields())
    if (goes_along(field)) carried.head += field.raw;
  if (!carried.head.ends_with("\r\n")) carried.head += "\r\n";
  carried.head += "\r\n";
  carried.body = header->body();
  if (!carried.body.empty() && !carried.body.ends_with("\r\n")) carried.body += "\r\n";
  carried.eight_bit = !text::is_ascii(carried.head) || !text::is_ascii(carried.body);
  return carried;
}

}  // namespace ecrelay::mail

#include "mail/delivery_report.h"

#include <algorithm>

#include "core/base64.h"
#include "core/escape.h"
#include "core/text.h"
#include "mail/date.h"

namespace ecrelay::mail {
namespace {

using Action = DeliveryReport::Action;

constexpr std::size_t longest_text = 700;
constexpr std::size_t longest_header = 64 << 10;
constexpr std::size_t base64_line = 76;

bool failed(const DeliveryReport& report) { return report.action == Action::failed; }

/// One line of ASCII for a field of the report.
std::string field_text(std::string_view text) {
  std::string safe(text.substr(0, longest_text));
  for (char& c : safe) {
    if (text::is_control(c) || static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return safe;
}

/// RFC 6533 section 3: addresses that are not ASCII go as utf-8-addr-xtext.
std::string typed_address(std::string_view address) {
  if (text::is_ascii(address)) return "rfc822; " + field_text(address);
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  for (const char32_t point : text::code_points(address)) {
    if (point > 0x20 && point < 0x7f && point != '\\' && point != '+' && point != '=') {
      encoded += static_cast<char>(point);
      continue;
    }
    std::string hex;
    for (char32_t rest = point & 0x1fffff; rest != 0; rest >>= 4)
      hex.insert(hex.begin(), digits[rest & 0xf]);
    encoded += "\\x{" + hex + "}";
  }
  return "utf-8; " + field_text(encoded);
}

std::string base64_lines(std::string_view text) {
  const std::string encoded = base64_encode(text);
  std::string lines;
  for (std::size_t i = 0; i < encoded.size(); i += base64_line)
    lines += encoded.substr(i, base64_line) + "\r\n";
  return lines;
}

std::string listed(const DeliveryReport& report) {
  std::string text;
  for (const ReportedRecipient& each : report.recipients) {
    text += "  " + printable(each.address) + "\r\n";
    if (!each.diagnostic.empty())
      text += "    " +
              (each.remote_mta.empty() ? std::string() : printable(each.remote_mta) + ": ") +
              printable(each.diagnostic, longest_text) + "\r\n";
  }
  return text;
}

std::string text_for_people(const DeliveryReport& report) {
  const std::string until = timestamp(report.expires_at);
  std::string text = "これはメール中継サーバー " + report.hostname +
                     " からの自動送信です。返信はできません。\r\n\r\n";
  text += failed(report)
              ? "次の宛先にはメールを届けられませんでした。再送は行いません。\r\n\r\n"
              : "次の宛先への配信が遅れています。" + until + " まで再送を続けます。\r\n\r\n";
  text += listed(report) + "\r\n--\r\n\r\n";
  text += "This is an automatic message of the mail relay " + report.hostname +
          ". Nobody reads replies.\r\n\r\n";
  text += failed(report) ? "The message could not be delivered to these recipients and is not "
                           "tried again:\r\n\r\n"
                         : "The message has not been delivered to these recipients yet; it is "
                           "tried until " +
                               until + ":\r\n\r\n";
  text += listed(report) + "\r\n";
  text += "ID: " + report.message.text() + "\r\n";
  if (!report.message_id.empty()) text += "Message-ID: " + printable(report.message_id) + "\r\n";
  return text;
}

std::string text_for_programs(const DeliveryReport& report) {
  std::string text = "Reporting-MTA: dns; " + report.hostname +
                     "\r\nX-ECRelay-ID: " + report.message.text() +
                     "\r\nArrival-Date: " + header_date(report.accepted_at) + "\r\n";
  for (const ReportedRecipient& each : report.recipients) {
    text += "\r\nFinal-Recipient: " + typed_address(each.address) + "\r\n";
    text += std::string("Action: ") + (failed(report) ? "failed" : "delayed") + "\r\n";
    text += "Status: " + field_text(each.status) + "\r\n";
    if (!each.remote_mta.empty())
      text += "Remote-MTA: dns; " + field_text(each.remote_mta) + "\r\n";
    if (!each.diagnostic.empty())
      text += "Diagnostic-Code: smtp; " + field_text(each.diagnostic) + "\r\n";
    text += "Last-Attempt-Date: " + header_date(each.last_attempt) + "\r\n";
    if (!failed(report)) text += "Will-Retry-Until: " + header_date(report.expires_at) + "\r\n";
  }
  return text;
}

/// Whole lines, the empty one at the end not among them.
std::string_view returned_header(std::string_view header) {
  if (header.ends_with("\r\n\r\n")) header.remove_suffix(2);
  if (header.size() <= longest_header) return header;
  return header.substr(0, header.rfind("\r\n", longest_header - 2) + 2);
}

std::string head_of(const DeliveryReport& report, const std::string& boundary) {
  const std::string subject = failed(report)
                                  ? "メールを配信できませんでした / Mail could not be delivered"
                                  : "メールの配信が遅れています / Mail is delayed";
  std::string head = "Date: " + header_date(report.at) + "\r\n";
  head += "From: Mail Delivery System <MAILER-DAEMON@" + report.hostname + ">\r\n";
  head += "To: <" + report.to + ">\r\n";
  // Two encoded words, because one may not be longer than 75 characters (RFC 2047 section 2).
  const std::size_t half = subject.find(" / ");
  head += "Subject: =?UTF-8?B?" + base64_encode(subject.substr(0, half)) + "?=\r\n =?UTF-8?B?" +
          base64_encode(subject.substr(half)) + "?=\r\n";
  head += "Message-ID: <" + report.id.text() + "@" + report.hostname + ">\r\n";
  if (!report.message_id.empty() && report.message_id.size() < longest_text)
    head += "References: " + field_text(report.message_id) + "\r\n";
  head += "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n";
  head += "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"" +
          boundary + "\"\r\n\r\n";
  return head;
}

}  // namespace

ComposedReport compose_report(const DeliveryReport& report) {
  // The id is new, so the boundary stands nowhere in what is returned.
  const std::string boundary = "=_" + report.id.text();
  const std::string next = "--" + boundary + "\r\n";
  const std::string_view header = returned_header(report.header);
  ComposedReport composed;
  composed.head = head_of(report, boundary);
  composed.eight_bit = !text::is_ascii(header) || !text::is_ascii(report.to);
  composed.body = next +
                  "Content-Type: text/plain; charset=UTF-8\r\n"
                  "Content-Transfer-Encoding: base64\r\n\r\n" +
                  base64_lines(text_for_people(report)) + "\r\n" + next +
                  "Content-Type: message/delivery-status\r\n\r\n" + text_for_programs(report) +
                  "\r\n" + next + "Content-Type: text/rfc822-headers\r\n" +
                  (text::is_ascii(header) ? "" : "Content-Transfer-Encoding: 8bit\r\n") + "\r\n" +
                  std::string(header) + "\r\n--" + boundary + "--\r\n";
  return composed;
}

}  // namespace ecrelay::mail

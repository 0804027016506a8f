#include "mail/compose.h"

#include <algorithm>
#include <utility>

#include "core/text.h"
#include "mail/date.h"
#include "mail/submission.h"

namespace ecrelay::mail {
namespace {

/// Letters of domain names and of address literals; neither can end a comment or fold a line.
bool is_host_character(char c) {
  constexpr std::string_view marks = ".-_:[]";
  return text::is_alnum(c) || marks.find(c) != marks.npos;
}

bool is_host_name(std::string_view helo) {
  return !helo.empty() && helo.size() <= 255 &&
         std::all_of(helo.begin(), helo.end(), is_host_character);
}

std::string received(const Composition& facts) {
  const std::string literal = facts.client.literal();
  const std::string& from = is_host_name(facts.helo) ? facts.helo : literal;
  return "Received: from " + from + "\r\n\t(" + literal + ")\r\n\tby " + facts.hostname +
         "\r\n\twith " + facts.transmission.protocol() + " id " + facts.id.text() + ";\r\n\t" +
         header_date(facts.at) + "\r\n";
}

bool is_removed(const Field& field) {
  return field.is("Bcc") || field.is("Resent-Bcc") || text::istarts_with(field.name, option_prefix);
}

std::string added_fields(const HeaderSection& header, const Composition& facts) {
  std::string fields = received(facts);
  if (header.find("Date") == nullptr) fields += "Date: " + header_date(facts.at) + "\r\n";
  if (header.find("Message-ID") == nullptr) {
    fields += "Message-ID: <" + facts.id.text() + "@" + facts.message_id_domain + ">\r\n";
  }
  return fields;
}

}  // namespace

std::string Transmission::protocol() const {
  if (!extended) return "SMTP";
  std::string name = utf8 ? "UTF8SMTP" : "ESMTP";
  if (tls) name += 'S';
  if (authenticated) name += 'A';
  return name;
}

Composed compose(const HeaderSection& header, const Composition& facts) {
  std::string head = added_fields(header, facts);
  head.reserve(head.size() + header.body_offset() + 4);
  for (const Field& field : header.fields()) {
    if (is_removed(field)) continue;
    head += field.raw;
    if (!field.raw.ends_with("\r\n")) head += "\r\n";
  }
  head += "\r\n";
  return {std::move(head), header.body()};
}

}  // namespace ecrelay::mail

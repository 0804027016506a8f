#include "policy/suppression_facts.h"

#include <optional>

#include "core/text.h"

namespace ecrelay::policy {
namespace {

using smtp::Stage;

/// Where a report does not tell, the words must carry the decision.
Stage stage_of(mail::SaidAt said_at) {
  switch (said_at) {
    case mail::SaidAt::connect:
      return Stage::connect;
    case mail::SaidAt::mail:
      return Stage::mail;
    case mail::SaidAt::data:
      return Stage::dot;
    case mail::SaidAt::unknown:
    case mail::SaidAt::rcpt:
      break;
  }
  return Stage::rcpt;
}

/// The code with which the remote's reply begins: "550 5.1.1 …", "550-5.1.1 …".
std::optional<Status> code_of_reply(std::string_view diagnostic) {
  if (diagnostic.size() < 9 || !text::number(diagnostic.substr(0, 3))) return std::nullopt;
  const std::string_view rest = diagnostic.substr(4);
  return parse_status(rest.substr(0, rest.find_first_of(" \t\n")));
}

/// What a gateway wrote into Status counts less than what the remote said, where that tells
/// something and is about something else.
std::string_view believed_status(const mail::Reported& result) {
  const auto said = code_of_reply(result.diagnostic);
  const auto written = parse_status(result.status);
  const bool contradicted =
      said && written && said->subject != 0 && said->subject != written->subject;
  return contradicted ? std::string_view() : std::string_view(result.status);
}

}  // namespace

Facts::Facts(const Evidence& evidence)
    : stage(evidence.stage),
      code(evidence.reply.code),
      text(evidence.reply.enhanced, evidence.reply.text),
      server(text::lowered(evidence.server)) {
  take(evidence.recipient);
}

Facts::Facts(const mail::Reported& result, std::string_view said)
    : reported(true),
      stage_told(result.said_at != mail::SaidAt::unknown),
      stage(stage_of(result.said_at)),
      code(static_cast<int>(text::number(result.reply).value_or(0))),
      text(believed_status(result), said),
      server(text::lowered(result.server)) {
  take(result.original_recipient.empty() ? result.recipient : result.original_recipient);
}

bool Facts::in_domain(std::string_view name) const { return is_within(domain, name); }

void Facts::take(std::string_view recipient) {
  const auto at = recipient.rfind('@');
  if (at == std::string_view::npos) return;
  local = recipient.substr(0, at);
  domain = text::lowered(recipient.substr(at + 1));
}

bool is_within(std::string_view host, std::string_view domain) {
  if (!host.ends_with(domain)) return false;
  return host.size() == domain.size() || host[host.size() - domain.size() - 1] == '.';
}

}  // namespace ecrelay::policy

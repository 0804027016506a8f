#include "policy/suppression_facts.h"

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
      text(result.status, said),
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

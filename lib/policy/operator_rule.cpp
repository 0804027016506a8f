#include "policy/operator_rule.h"

#include "policy/suppression_facts.h"

namespace ecrelay::policy {

std::optional<Status> parse_status_pattern(std::string_view text) {
  if (!text.ends_with(".*")) return parse_status(text);
  auto status = parse_status(std::string(text.substr(0, text.size() - 1)) + '0');
  if (status) status->detail = any_detail;
  return status;
}

namespace {

mail::SaidAt stage_of(smtp::Stage stage) {
  if (stage < smtp::Stage::mail) return mail::SaidAt::connect;
  if (stage == smtp::Stage::mail) return mail::SaidAt::mail;
  return stage == smtp::Stage::rcpt ? mail::SaidAt::rcpt : mail::SaidAt::data;
}

}  // namespace

bool applies(const OperatorRule& rule, const Facts& facts) {
  const mail::SaidAt stage = stage_of(facts.stage);
  const bool at_its_stage = rule.stage == mail::SaidAt::unknown
                                ? rule.effect != Effect::suppress || stage == mail::SaidAt::rcpt
                                : rule.stage == stage;
  return at_its_stage && (rule.code == 0 || rule.code == facts.code) &&
         (!rule.enhanced || facts.text.has(*rule.enhanced)) &&
         (rule.server.empty() || is_within(facts.server, rule.server)) &&
         (rule.domain.empty() || is_within(facts.domain, rule.domain)) &&
         (rule.text.empty() || facts.text.contains(rule.text));
}

}  // namespace ecrelay::policy

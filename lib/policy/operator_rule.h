#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mail/report.h"
#include "policy/effect.h"
#include "policy/reply_text.h"

namespace ecrelay::policy {

/// A row that the operator has added (`suppression.rules`). It applies where every condition that
/// is given holds; "", 0 and nothing are no condition. Phrases are looked for as those of the
/// built-in table: folded, whole words, '*' for any one word; never a regular expression, so no
/// row and no reply can cost more than a search.
struct OperatorRule {
  std::string reason;  ///< named with the decision
  Effect effect = Effect::ignore;
  /// Where the refusal was given. When it is `unknown`, a row that suppresses sees RCPT only:
  /// before it nobody is named, and behind the data the reply is for all recipients.
  mail::SaidAt stage = mail::SaidAt::unknown;
  int code = 0;                    ///< SMTP reply
  std::optional<Status> enhanced;  ///< detail may be any_detail
  std::string text;
  std::string server;  ///< host name of the server that refused, or a domain it is in
  std::string domain;  ///< the recipient's, or one it is in
};

/// In the order in which they are asked, before the built-in table.
using OperatorRules = std::vector<OperatorRule>;

/// "5.1.1" or "5.7.*".
std::optional<Status> parse_status_pattern(std::string_view text);

/// The rows as the configuration has them (config::SuppressionRule; policy does not know config).
template <typename Rows>
OperatorRules operator_rules(const Rows& rows) {
  OperatorRules rules;
  for (const auto& row : rows) {
    OperatorRule rule;
    rule.reason = row.reason;
    // The enumerators of both stand in the same order.
    rule.effect = static_cast<Effect>(row.decision);
    rule.stage = static_cast<mail::SaidAt>(row.stage);
    rule.code = static_cast<int>(row.code.value_or(0));
    rule.enhanced = parse_status_pattern(row.enhanced.value_or(""));
    rule.text = folded(row.text.value_or(""));
    rule.server = folded(row.server.value_or(""));
    rule.domain = folded(row.domain.value_or(""));
    rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace ecrelay::policy

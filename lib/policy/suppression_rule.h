#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mail/report.h"
#include "policy/effect.h"
#include "policy/operator_rule.h"
#include "smtp/reply.h"
#include "smtp/stage.h"

namespace ecrelay::policy {

/// What is known when a recipient has failed for good in a session of ours.
struct Evidence {
  smtp::Stage stage;  ///< where the reply was given
  smtp::Reply reply;
  std::string_view recipient;  ///< the address as we sent it
  std::string_view server;     ///< host name of the server that replied, when known
};

/// The decision with the rule that took it: both are kept with the entry.
struct Suppression {
  Effect effect = Effect::none;
  int row = 23;        ///< of the decision table; 23 is "anything else", 0 an operator's row
  std::string reason;  ///< "hard", "domain", "sender", "reputation", …, or the operator's own

  bool suppresses() const { return effect == Effect::suppress; }
  /// The reason that an entry has on the list: what an operator's row suppresses is "hard" there,
  /// so that lifetimes, spreading and the breaker hold for it, too.
  std::string_view listed_as() const;
  /// Of a count: the mailbox itself is closed or filters (rows 14, 16, 19, 22), rather than full,
  /// unreachable or given up; such points weigh more.
  bool about_mailbox() const { return row != 13 && row != 20 && row != 21; }
};

/// One row of the decision table, for documentation and tests.
struct SuppressionRow {
  int row;
  Effect effect;
  std::string_view reason;
  std::string_view source;
};
/// In the order of evaluation: the first row that applies decides.
std::vector<SuppressionRow> suppression_rows();

/// What a final failure in a session of ours means for the address (promise P7: an address is
/// suppressed only for evidence about that address). Only a 5yz at RCPT suppresses; every exception
/// stands before the rule, so what is unclear has no effect. To be asked only where the Verdict is
/// `failed`.
/// `own` are asked before the table.
Suppression suppression_for(const Evidence& evidence, const OperatorRules& own = {});

/// The same for one result of a report that came back, by the same table. Where the report does
/// not say at which command the refusal was given, it is taken for RCPT: the words must then carry
/// the decision. Delays, successes, automatic replies and reports of others mean nothing.
Suppression suppression_for(const mail::Report& report, const mail::Reported& result,
                            const OperatorRules& own = {});

}  // namespace ecrelay::policy

#pragma once

#include <string_view>
#include <vector>

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

enum class Effect { none, suppress };

/// The decision with the rule that took it: both are kept with the entry.
struct Suppression {
  Effect effect = Effect::none;
  int row = 23;             ///< of the decision table; 23 is "anything else"
  std::string_view reason;  ///< "hard", "sender", "reputation", …

  bool suppresses() const { return effect == Effect::suppress; }
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

/// Whether a final failure puts the address on the suppression list (promise P7: only for
/// evidence about that address). Only a 5yz at RCPT can; every exception stands before the rule, so
/// what is unclear has no effect. To be asked only where the Verdict is `failed`.
Suppression suppression_for(const Evidence& evidence);

}  // namespace ecrelay::policy

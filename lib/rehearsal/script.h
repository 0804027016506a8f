#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "smtp/reply.h"
#include "smtp/stage.h"

namespace ecrelay::rehearsal {

/// What a rehearsal upstream does instead of saying yes.
struct Act {
  enum class Kind { reply, drop };

  Kind kind = Kind::reply;
  smtp::Reply reply;                  ///< for Kind::reply; code 0: the usual yes
  std::chrono::milliseconds delay{};  ///< before it acts
};

/// How a rehearsal goes: what is answered at which stage, by the recipient's local part or for all.
///
/// Local parts that play a part by themselves, up to a '+' or the '@', in any case:
///   permfail   550 5.1.1 at RCPT (unknown user)      tempfail   451 4.3.0 at RCPT
///   full       552 5.2.2 at RCPT                      blocked    550 5.7.1 at RCPT
///   busy       421 4.3.2 at RCPT, and closes         greylist   450 4.7.1 at the first RCPT, then
///   yes drop       closes at RCPT without a word          slow       yes, 2 seconds late, at RCPT
///   WORD-dot, WORD-data, WORD-mail… the same at another stage ("drop-dot": after the message was
///   kept) slow-N     N seconds late                         reply-CODE[-X.Y.Z][-STAGE] any reply
/// At stages before RCPT a local part can do nothing, so -mail and earlier are not read as parts.
class Script {
 public:
  /// A rule for everybody or one local part: "STAGE[:LOCALPART]=CODE [X.Y.Z] TEXT", "…=drop",
  /// "…=slow SECONDS". Stages: greeting hello auth mail rcpt data dot.
  Result<void> add(std::string_view rule);

  /// What is done at a stage that no recipient has a part in.
  std::optional<Act> at(smtp::Stage stage) const;
  /// What is done at `stage` for the recipient with this local part; rules before local parts' own
  /// meaning. `rcpt`, `data` and `dot` only.
  std::optional<Act> at(smtp::Stage stage, std::string_view local_part);

 private:
  struct Rule {
    smtp::Stage stage;
    std::string local_part;  ///< "" for everybody
    Act act;
  };
  std::optional<Act> part_played(smtp::Stage stage, const std::string& part);

  std::vector<Rule> rules_;
  std::set<std::string> greylisted_;
};

}  // namespace ecrelay::rehearsal

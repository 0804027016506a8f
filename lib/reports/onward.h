#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/result.h"
#include "policy/limits.h"
#include "reports/finding.h"
#include "store/acceptance.h"

namespace ecrelay::reports {

struct Terms;  // server.h

/// Carries reports on to the envelope senders of the messages they are about, for domains with
/// `forward_reports`. What it makes is a report of ours like any other: from MAILER-DAEMON and the
/// null sender, by the shop's upstream, never charged, and never reported on. It goes round in no
/// circle: not to the null sender, not to a return path of ours, and not twice (mail::carry_on).
/// At most 5 a second for a shop, 100 at once: a storm is kept, and not passed on. Network thread.
class Onward {
 public:
  /// The mail that carries on what came; nothing where nobody wants it. Errors say why not.
  Result<std::optional<store::Acceptance>> mail(const Terms& terms, const Subject& subject,
                                                std::string_view bytes, TimePoint at);

 private:
  std::unordered_map<std::string, policy::TokenBucket> rates_;  ///< by shop
};

}  // namespace ecrelay::reports

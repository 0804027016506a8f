#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/time.h"

namespace ecrelay::records {

/// pending: not in DNS yet, signs nothing; active: signs; retiring: replaced, and stays in DNS for
/// mail that is under way; retired: may be taken out of the configuration and DNS.
enum class KeyState { pending, active, retiring, retired };
std::string_view text(KeyState state);
std::optional<KeyState> parse_key_state(std::string_view text);

/// How far a DKIM key is in its life.
struct SigningKey {
  std::string domain;
  std::string selector;
  std::string algorithm;  ///< "rsa-sha256"
  std::string record;     ///< what publishes it: another text under the selector is another key
  KeyState state = KeyState::pending;
  TimePoint since;                 ///< it is in this state
  std::optional<TimePoint> until;  ///< of a retiring one: must stay in DNS

  bool operator==(const SigningKey&) const = default;
};

/// A record that a domain should have in DNS, as it was found last.
struct DnsRecord {
  std::string domain;
  std::string record;  ///< "dkim r1", "spf", "return-path", "dmarc"
  std::string name;
  std::string state;  ///< ok, waiting, absent, differs, unknown
  TimePoint since;    ///< it is found so
  std::string remark;
};

}  // namespace ecrelay::records

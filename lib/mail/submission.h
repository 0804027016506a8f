#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/address.h"
#include "mail/header.h"

namespace ecrelay::mail {

/// Applications steer a message by fields of this prefix; none of them leaves the relay.
inline constexpr std::string_view option_prefix = "X-ECRelay-";

enum class Lane { transactional, bulk };

/// What the application asked for with X-ECRelay fields.
struct Options {
  std::optional<std::string> idempotency_key;  ///< 1 to 255 printable ASCII characters
  std::optional<std::string> tag;              ///< 1 to 128 octets of UTF-8, one line
  std::optional<std::string> metadata;         ///< text of a JSON object, at most 1 KiB
  bool sink = false;                           ///< Mode: sink
  std::optional<Lane> lane;
};

/// Why a message cannot be accepted as it stands.
struct Fault {
  enum class Kind {
    stray_line,      ///< a header line that is no field
    missing_from,    ///< no From field
    several_from,    ///< more than one From field
    bad_from,        ///< a From field whose addresses cannot be told
    repeated_field,  ///< Date, Subject, Message-ID, Sender, Reply-To, To or Cc more than once
    bad_option,      ///< an X-ECRelay field repeated or with a value it cannot have
    loop,            ///< too many Received, or this relay's own name in them too often
  };
  Kind kind;
  std::string text;  ///< one line for the peer; holds nothing from the message
};

struct LoopLimits {
  std::size_t received = 50;  ///< a message that carries this many Received fields loops
  std::size_t own_name = 3;   ///< so does one that was here this often
};

/// What a message's header says to the relay.
struct Submission {
  std::vector<Address> from;  ///< empty exactly when a From fault is among the faults
  Options options;            ///< only what was valid
  std::vector<Fault> faults;  ///< in the order of Fault::Kind; empty: the header is acceptable
};

/// Reads what the relay demands of a header before it accepts the message (THREATS "replayed or
/// weak DKIM", "loops"; RFC 5322 3.6 for the counts). `hostname` is the relay's own, compared
/// with the "by" of each Received. Every fault is found, not only the first.
Submission read_submission(const HeaderSection& header, std::string_view hostname,
                           const LoopLimits& limits = {});

}  // namespace ecrelay::mail

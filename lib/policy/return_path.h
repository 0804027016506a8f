#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/secret.h"
#include "core/time.h"
#include "core/ulid.h"

namespace ecrelay::policy {

/// Which recipient of which message a report is about. The token says so, never the report's text.
struct ReturnPath {
  Ulid message;
  std::uint32_t recipient = 0;  ///< its number within the message

  bool operator==(const ReturnPath&) const = default;
};

/// Envelope senders that bring reports back to one recipient of one message and that nobody else
/// can make: "MESSAGE-RECIPIENT-DAY-SIGNATURE", in small letters and digits, at most 64 octets (RFC
/// 5321 4.5.3.1.1). Message and number can be read by eye, for look-ups in an upstream's log. The
/// signature is 100 bits of HMAC-SHA-256 over what stands before it and over the domain, so a
/// shop's token is void under the return path of another. Immutable; any thread may ask.
class ReturnPaths {
 public:
  /// The first secret signs, all are believed: after a rotation the old one follows the new one
  /// for a lifetime. Throws std::invalid_argument without any.
  ReturnPaths(std::vector<Secret> secrets, Duration lifetime);

  /// Cost: one HMAC, about a microsecond. Case of `domain` does not matter.
  std::string local_part(const ReturnPath& path, std::string_view domain, TimePoint at) const;

  /// What an address of ours stands for, in whatever case it came back. `invalid`: not one of
  /// ours, altered, or of another domain. `refused`: ours, but older than the lifetime, which is
  /// counted from the end of the UTC day of signing.
  Result<ReturnPath> read(std::string_view local_part, std::string_view domain,
                          TimePoint now) const;

 private:
  std::vector<Secret> secrets_;
  Duration lifetime_;
};

}  // namespace ecrelay::policy

#pragma once

#include <string>
#include <string_view>

#include "core/network.h"
#include "core/time.h"
#include "core/ulid.h"
#include "mail/header.h"

namespace ecrelay::mail {

/// How the message came in; makes the "with" of Received (RFC 3848, RFC 6531 4.3).
struct Transmission {
  bool extended = true;  ///< EHLO, not HELO
  bool utf8 = false;     ///< SMTPUTF8 was asked for
  bool tls = false;
  bool authenticated = false;

  /// "SMTP", "ESMTPSA", "UTF8SMTPS", …
  std::string protocol() const;
};

/// What is known about a message beside its bytes.
struct Composition {
  Ulid id;
  TimePoint at;                   ///< when it was accepted
  std::string hostname;           ///< this relay, the "by" of Received
  std::string message_id_domain;  ///< right of the @ of a Message-ID that has to be made
  std::string helo;               ///< as the client gave it; made safe here
  IpAddress client;
  Transmission transmission;
};

/// A message as it is signed, stored and sent: head + body. The empty line is the end of head, so
/// DKIM-Signature fields (each with its CRLF) go in front by plain concatenation:
/// signatures + head + body.
struct Composed {
  std::string head;
  std::string_view body;  ///< the received bytes, untouched; a view into the message
};

/// On top our Received, then Date and Message-ID where they are missing; below that every field
/// of `header` byte for byte in its order, but Bcc, Resent-Bcc and X-ECRelay fields. A field cut
/// off by the end of the message gets its CRLF, a missing empty line is added (the message then
/// has an empty body). Stray lines are not carried over: refuse such a message before
/// (read_submission). A HELO name that is neither a domain name nor an address literal is
/// replaced by the client's address literal. Lines we add stay under 78 characters where the
/// names allow, always under 998.
Composed compose(const HeaderSection& header, const Composition& facts);

}  // namespace ecrelay::mail

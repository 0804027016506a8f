#pragma once

#include <string_view>

#include "smtp/client_event.h"
#include "smtp/reply.h"
#include "smtp/stage.h"

namespace ecrelay::policy {

enum class Outcome {
  sent,      ///< delivered to the upstream, charged
  deferred,  ///< tried again by the schedule
  failed,    ///< bounced: no attempt will change it
};

/// Whom a refusal is about.
enum class About {
  nobody,
  recipient,
  message,   ///< its size, content or form
  us,        ///< our address, login, or the shop's sender domain: somebody must be told
  upstream,  ///< the server or the way to it
  rate,      ///< too much or too fast: slow down
};

/// What a reply means for one recipient.
struct Verdict {
  Outcome outcome = Outcome::deferred;
  About about = About::nobody;
  /// This server is of no use now: close, count it against the server, try another.
  bool stop_server = false;
  /// The body was written and no answer can be believed: it may have been delivered.
  bool in_doubt = false;
  /// A fixed word for logs and the book: "unknown_user", "mailbox_full", …
  std::string_view reason;
};

/// What the upstream's reply at a stage means (RFC 5321 4.2.1, BOUNCE_RULES rows 6 to 13).
/// - Only a 2yz at the dot is `sent`; a 4yz is never more than deferred; 421 stops the server.
/// - Before MAIL, and at MAIL, nothing ever fails a message: such replies are about us or the
///   upstream. The one exception is a message declared too large at MAIL SIZE= (RFC 1870: 5.3.4,
///   5.2.3, or words of size; a bare 552 may mean our own quota and waits). Content cannot have
///   been seen at MAIL, so 5.6.X waits too.
/// - 530, 534, 535, 538 are about our login at every stage and stop the server. Words that ask for
///   a login wait without stopping it: Exchange says them of a group that takes no outside mail.
/// - At RCPT and DATA a 5yz about relaying, our client or the sender is deferred: servers that
///   delay those checks until RCPT (Postfix's default) mean what others say at MAIL.
/// - A 5yz that speaks of rates, of trying later or of too many recipients, or whose enhanced
///   code is 4.X.X, contradicts itself and is deferred.
/// - 500, 502, 503, 504, a 501 that is not about an address, and anything no SMTP server may say
///   there is protocol garbage: never permanent. (docomo's "500 Line too long" is about the
///   message and fails it.)
/// - Any other 5yz fails: at RCPT the recipient, later the message.
Verdict verdict_of(smtp::Stage stage, const smtp::Reply& reply);

/// The same for a result of the client machine: trouble (garbage, lost connection) is never
/// permanent and in doubt at the dot; what the machine refused by itself without asking (no
/// SMTPUTF8 there, an address that cannot be written) fails.
Verdict verdict_of(const smtp::RecipientResult& result);

std::string_view to_text(Outcome outcome);  ///< the enumerator's own name
std::string_view to_text(About about);

}  // namespace ecrelay::policy

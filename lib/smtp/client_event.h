#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mail/address.h"
#include "smtp/dsn.h"
#include "smtp/reply.h"
#include "smtp/stage.h"

/// What goes into ClientProtocol and what it tells its driver.
namespace ecrelay::smtp {

/// What an upstream's EHLO offered; all false after HELO.
struct UpstreamCapabilities {
  bool extended = false;  ///< EHLO was understood
  bool pipelining = false;
  bool eight_bit_mime = false;
  bool smtputf8 = false;
  bool chunking = false;
  bool starttls = false;
  bool dsn = false;
  bool enhanced_status_codes = false;
  bool has_size = false;
  std::uint64_t size = 0;         ///< 0: no limit told
  std::vector<std::string> auth;  ///< upper case
};

struct Recipient {
  explicit Recipient(mail::Address to) : address(std::move(to)) {}

  mail::Address address;
  Notify notify;      ///< sent where DSN is offered
  std::string orcpt;  ///< decoded; sent where DSN is offered
};

/// One message for one or more recipients. Name it before a co_await.
struct Transaction {
  std::optional<mail::Address> sender;  ///< nothing: <>
  std::vector<Recipient> recipients;    ///< at least one
  /// Read in order, never copied, must live until Finished; lines end in CRLF, none bare.
  std::vector<std::string_view> body;
  bool eight_bit =
      false;  ///< BODY=8BITMIME is said where offered; where not, the bytes go as they are
  bool smtputf8 = false;  ///< the header needs it (addresses are looked at by the machine)
  Ret ret = Ret::unspecified;
  std::string envid;  ///< decoded
};

/// Who gave a result's reply.
enum class Origin {
  peer,     ///< the upstream said it
  local,    ///< made here without asking: 553 5.6.7 (no SMTPUTF8 there), 501 5.1.3
  trouble,  ///< made here: garbage or a lost connection; always 4xx, try again later
};

/// How one recipient ended.
struct RecipientResult {
  Stage stage = Stage::connect;  ///< where it was decided; `dot` with 2xx is the only success
  Reply reply;
  Origin origin = Origin::trouble;

  bool sent() const { return stage == Stage::dot && origin == Origin::peer && reply.positive(); }
  /// The whole body was written and no answer came: it may have been delivered.
  bool in_doubt() const { return stage == Stage::dot && origin == Origin::trouble; }
};

/// EHLO (or HELO) is done, or AUTH succeeded: say what next.
struct Ready {
  Stage after = Stage::hello;  ///< hello or auth
};

/// The upstream agreed to STARTTLS and nothing is buffered: shake hands, then tls_started().
struct HandshakeNow {};

/// STARTTLS or AUTH was refused or is not offered; the connection is still good for other things.
struct Refused {
  Stage stage = Stage::auth;
  Reply reply;
  Origin origin = Origin::peer;
};

/// Write take_output(), then all of next_pieces(), then say body_written().
struct SendBody {};

/// A transaction is over: one result for each recipient, in the order given.
struct Finished {
  std::vector<RecipientResult> results;
};

/// The connection is over, once, as the last event: close it. After it closing() is true.
struct Ended {
  enum class Cause {
    done,     ///< QUIT was answered
    refused,  ///< greeting or hello refused, or 421 at any stage
    garbage,  ///< the peer does not speak SMTP, or out of step: try later, believe nothing
    lost,     ///< connection_lost()
  };
  Cause cause = Cause::lost;
  Stage stage = Stage::connect;  ///< what it was waiting for; quit when idle
  Reply reply;                   ///< the peer's, or for garbage and lost a local 4xx
  std::string detail;            ///< for the log
};

using ClientEvent = std::variant<Ready, HandshakeNow, Refused, SendBody, Finished, Ended>;

}  // namespace ecrelay::smtp

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/secret.h"
#include "mail/address.h"
#include "smtp/body_scanner.h"
#include "smtp/dsn.h"
#include "smtp/reply.h"

/// What ServerProtocol tells its session. Each says whether the session must answer().
namespace ecrelay::smtp {

/// EHLO (extended) or HELO. Answer 250: the machine writes the hostname and the capabilities
/// itself and uses nothing else of the reply. A transaction that was open ends with a 250; after
/// a refusal all is as before. `name` is 1 to 255 printable ASCII characters, no more is known.
struct Hello {
  std::string name;
  bool extended = false;
};

/// Answer 220, flush, shake hands, tls_started(); or 454.
struct StartTls {};

/// A whole AUTH dialogue. Answer 235, or 535 5.7.8, or 454 4.7.0. `user` is UTF-8 without controls.
struct Auth {
  std::string mechanism;  ///< "PLAIN" or "LOGIN"
  std::string user;
  Secret password;
};

enum class BodyType { seven_bit, eight_bit_mime };

/// Answer 250 or a refusal.
struct MailFrom {
  std::optional<mail::Address> sender;  ///< nothing: the null sender <>
  std::optional<std::uint64_t> size;    ///< SIZE=, never above Capabilities::size
  BodyType body = BodyType::seven_bit;
  bool smtputf8 = false;
  Ret ret = Ret::unspecified;
  std::string envid;                ///< decoded
  std::optional<std::string> auth;  ///< AUTH=, decoded; "<>" for unknown
};

/// Answer 250 (251, 252) or a refusal. DATA needs one accepted recipient.
struct RcptTo {
  mail::Address recipient;
  Notify notify;
  std::string orcpt;  ///< "rfc822;user@example.jp", decoded

  /// As the client wrote it between the brackets.
  const std::string& original() const { return recipient.text(); }
};

/// DATA, or the first BDAT (`chunked`). Answer 354, which is put on the wire for DATA only, and
/// the body follows; or refuse: the transaction is gone, and BDAT's octets are read and dropped.
struct DataStart {
  bool chunked = false;
};

/// A piece of the body as it is meant: dots unstuffed, lines ending in CRLF (a piece may end
/// anywhere, also inside a CRLF). Valid until the next call to the machine. No answer.
struct BodyPart {
  std::string_view bytes;
};

/// The true end of the body (or, for BDAT, of the chunk with the problem). Answer 250 or refuse;
/// either way the transaction is gone, and after a problem that smuggles() the
/// machine closes. A body that does not end in CRLF has been given one (BDAT only).
struct BodyEnd {
  std::uint64_t octets = 0;  ///< of the decoded body, also those no BodyPart showed
  BodyProblem problem = BodyProblem::none;
};

/// The refusal that CONTRACT's table names for a problem; `problem` is not none.
Reply refusal_of(BodyProblem problem);

/// RSET, answered already. Forget the transaction.
struct Reset {};

/// QUIT, answered already; closing() is true.
struct Quit {};

/// The machine ended the session by itself: flush what there is, then close. Given once; no
/// answer. `reason` is for the log and holds nothing of the client's.
struct Close {
  std::string_view reason;
};

using Event = std::variant<Hello, StartTls, Auth, MailFrom, RcptTo, DataStart, BodyPart, BodyEnd,
                           Reset, Quit, Close>;

}  // namespace ecrelay::smtp

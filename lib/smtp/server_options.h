#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ecrelay::smtp {

/// What EHLO offers. What is not offered is refused when it is used all the same; 8BITMIME and
/// ENHANCEDSTATUSCODES always are, since they ask nothing of the session.
struct Capabilities {
  std::string hostname;            ///< first line of the EHLO reply
  std::uint64_t size = 25U << 20;  ///< SIZE, and the limit of every body, in octets
  bool starttls = false;
  std::vector<std::string> auth;  ///< of "PLAIN", "LOGIN"; leave empty in clear
  bool pipelining = true;         ///< honoured anyway (RFC 2920)
  bool smtputf8 = true;
  bool chunking = true;
  bool dsn = false;
};

/// Bounds on what a client may make us do; each has its reply in CONTRACT or THREATS.
struct Limits {
  std::size_t command_line = 2048;    ///< octets with parameters and CRLF; over it: 500, close
  std::size_t auth_line = 12288;      ///< the same in AUTH (RFC 4954 4)
  std::size_t recipients = 1000;      ///< accepted in a transaction; then 452 4.5.3. RCPT beyond
                                      ///< twice as many, refused ones included, are errors
  std::size_t body_line = 64U << 10;  ///< octets of a line of the body without CRLF
  std::size_t chunks = 4096;          ///< BDAT commands of a message
  int errors = 10;                    ///< protocol errors of a session; the last gets 421
  int failed_logins = 5;              ///< answers 535 of a session; after the last, close
  int idle_commands = 100;            ///< EHLO, MAIL, NOOP, RSET… since a message; then errors
  std::size_t unsent_output = 64U << 10;  ///< octets; at it nothing more is parsed
};

}  // namespace ecrelay::smtp

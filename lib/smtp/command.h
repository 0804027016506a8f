#pragma once

#include <string_view>

#include "smtp/reply.h"
#include "smtp/server_states.h"

namespace ecrelay::smtp {

/// A command line taken apart; views of the line.
struct Command {
  Verb verb = Verb::unknown;
  std::string_view arguments;  ///< without spaces at either end
};

/// `line` is without its CRLF and holds no control character.
Command parse_command(std::string_view line);

/// DATA, RSET, QUIT and STARTTLS take no arguments (RFC 5321 4.1.1).
bool takes_no_arguments(Verb verb);

/// The 503 for `verb` in `state`, saying what is missing.
Reply out_of_order(State state, Verb verb);

/// The argument of EHLO and HELO: 1 to 255 printable ASCII characters.
bool is_client_name(std::string_view text);

}  // namespace ecrelay::smtp

#pragma once

#include <chrono>
#include <string_view>

namespace ecrelay::smtp {

/// How far an SMTP conversation has come; also where a reply was given, for classification
/// (the same 550 means one thing at rcpt and another at dot).
enum class Stage { connect, greeting, hello, starttls, auth, mail, rcpt, data, dot, quit };

std::string_view to_text(Stage stage);  ///< the enumerator's own name: "connect", "greeting"…

/// How long a client waits for the reply of a stage (RFC 5321 4.5.3.2; stages that it does not
/// name get its five minutes for a command, connecting 30 s, QUIT 10 s since nothing depends on
/// it).
std::chrono::seconds reply_time_limit(Stage stage);

/// How long one block of the body may take to write (RFC 5321 4.5.3.2.5).
inline constexpr std::chrono::seconds body_block_time_limit{180};

}  // namespace ecrelay::smtp

#pragma once

#include <string_view>
#include <variant>

#include "smtp/reply.h"
#include "smtp/server_event.h"
#include "smtp/server_options.h"

/// The arguments of MAIL and RCPT: path and parameters (RFC 5321 4.1.1.2, 4.1.1.3, 4.1.1.11).
/// Source routes are refused, a space after the colon is not (many clients put one). The other
/// alternative is the reply to give: 501 for syntax, 553 5.6.7 for UTF-8 without SMTPUTF8, 555
/// for a parameter that is unknown or not offered, 552 5.3.4 for SIZE over the limit.
namespace ecrelay::smtp {

std::variant<MailFrom, Reply> parse_mail(std::string_view arguments, const Capabilities& offered);

/// `smtputf8`: said at MAIL.
std::variant<RcptTo, Reply> parse_rcpt(std::string_view arguments, const Capabilities& offered,
                                       bool smtputf8);

}  // namespace ecrelay::smtp

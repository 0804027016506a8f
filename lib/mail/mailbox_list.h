#pragma once

#include <string_view>
#include <vector>

#include "core/result.h"
#include "mail/address.h"

namespace ecrelay::mail {

/// The addresses of a From field's value (RFC 5322 3.6.2 and 4.4; groups by RFC 6854), folding
/// included; at least one, at most 100. It serves the rule that every From address belongs to
/// the shop, so it never guesses: what one reader could take for another address than the next
/// is an error. That is so for source routes, white space or comments anywhere between "<" and ">"
/// or beside an @, quoted and bare words mixed, an @ in an unquoted display name, control
/// characters, and whatever parse_address() refuses. Encoded words are letters of a display name
/// and never decoded. Bytes above 0x7f may stand in display names and comments in any charset, in
/// addresses as UTF-8 only.
/// Linear in the value's length, without recursion (50,000 nested comments are a count).
/// Errors: the texts hold nothing of the value and may be shown to a peer.
Result<std::vector<Address>> parse_mailbox_list(std::string_view value);

}  // namespace ecrelay::mail

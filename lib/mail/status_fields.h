#pragma once

#include <string_view>
#include <vector>

#include "mail/report.h"

namespace ecrelay::mail {

/// The recipients of a delivery status (RFC 3464), whether it stands in its own part or somewhere
/// in a text. Tolerated, because real servers do it: recipient fields in the group of the message,
/// no Final-Recipient, no Action, no Status, a Diagnostic-Code without a type, other address types,
/// brackets and comments around addresses. A group that names no recipient but an action or a
/// status comes out with an empty recipient. Codes and stage of the result are from its fields
/// only.
std::vector<Reported> read_delivery_status(std::string_view text);

/// The text holds fields that read_delivery_status() would make something of.
bool has_delivery_status(std::string_view text);

/// The first mail address in a field's value, without brackets, quotes kept; "" without one.
std::string address_in(std::string_view value);

/// The SMTP stage that words like "in reply to RCPT TO command" or "after end of data" name.
SaidAt stage_named_in(std::string_view text);

/// Status and reply are the most telling ones of what is said; codes that are there already and
/// not vague stay.
void take_codes(Reported& result, std::string_view said);

}  // namespace ecrelay::mail

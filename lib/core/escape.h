#pragma once

#include <string>
#include <string_view>

namespace ecrelay {

/// C1 controls, bidirectional and other invisible format characters, line separators: what
/// changes how the text around it is shown.
bool is_disguise(char32_t c);

/// Text from outside made fit to be shown: on a terminal, in a log line, in an error message.
/// C0, C1 and DEL controls, bidirectional and other invisible format characters, line
/// separators, and bytes that are not UTF-8 come out as \xNN or \u{NNNN}; a backslash is doubled,
/// so the result is unambiguous. Everything else, Japanese included, stays as it is.
/// A result longer than `limit` bytes is cut at a character and ends in "…".
/// Sources: THREATS "every logged field goes through one escape"; CVE-2021-42574 (bidi).
std::string printable(std::string_view text, std::size_t limit = 512);

/// The same characters made fit for the inside of a JSON string (RFC 8259): well-formed UTF-8,
/// controls as \u00NN, malformed bytes as \\xNN (visible, since JSON cannot carry them).
std::string json_escaped(std::string_view text, std::size_t limit = 512);

}  // namespace ecrelay

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ecrelay {

/// RFC 4648 section 4, padded, on one line.
std::string base64_encode(std::string_view bytes);

/// The strict reverse: whole groups of four, padding only at the end, no white space, unused bits
/// zero; so each byte string has exactly one text. Nothing for anything else. "" is "".
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace ecrelay

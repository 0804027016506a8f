#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ecrelay::mail {

/// Enhanced status codes (RFC 3463, classes 2, 4 and 5) that stand in a text, in their order.
/// Numbers of another kind are none: IP addresses, versions, and what is part of a word.
std::vector<std::string> enhanced_codes(std::string_view text);

/// SMTP reply codes in a text, in their order: three digits that RFC 5321 and its extensions give
/// out as a final reply, standing as a reply does.
std::vector<std::string> reply_codes(std::string_view text);

/// True for codes that say nothing (X.0.0) or only that time ran out (X.4.7): what stands beside
/// them tells why.
bool is_vague(std::string_view enhanced);

}  // namespace ecrelay::mail

#pragma once

#include <string>
#include <string_view>

namespace ecrelay::mail {

/// A charset label (any case) that to_utf8() can read.
bool is_known_charset(std::string_view charset);

/// `bytes` as UTF-8; what the charset does not have comes out as U+FFFD. Linear. Labels mean what
/// mail programs mean by them: Shift_JIS is CP932, EUC-JP is eucJP-ms, ISO-2022-JP has half-width
/// kana and the vendors' rows. An unknown label is read as US-ASCII.
std::string to_utf8(std::string_view charset, std::string_view bytes);

}  // namespace ecrelay::mail

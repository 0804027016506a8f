#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ecrelay::mail {

/// An unstructured value (a Subject, unfolded) with its RFC 2047 encoded words as UTF-8, for people
/// to read in traces; never used for a decision about who sent a mail.
/// White space between encoded words goes; neighbours of one charset are joined before decoding,
/// since senders cut characters in two. ISO-2022-JP takes half-width kana and the vendors' rows
/// 13 and 89 to 92, Shift_JIS is read as CP932, EUC-JP as eucJP-ms, the other charsets seen in
/// mail by iconv(3): a closed list, since glibc's rarer converters had endless loops and aborts
/// (CVE-2020-27618, CVE-2021-3326). What cannot be decoded stays visible: an unknown charset or
/// bad base64 as the encoded word itself, a bad byte as U+FFFD. Bytes outside encoded words are
/// left alone. The result may hold control characters: show it through printable(). At most `limit`
/// bytes, cut between characters; linear; never throws but for memory.
std::string decode_encoded_words(std::string_view text, std::size_t limit = 4096);

}  // namespace ecrelay::mail

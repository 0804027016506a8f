#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// ASCII text as protocols use it. Bytes above 0x7f are left alone everywhere; no locale.
namespace ecrelay::text {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
constexpr bool is_alnum(char c) { return is_digit(c) || is_alpha(c); }
/// C0 controls and DEL.
constexpr bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
}

std::string lowered(std::string_view text);
std::string uppered(std::string_view text);
/// Equal but for ASCII case.
bool iequals(std::string_view a, std::string_view b);
/// `text` begins with `prefix` but for ASCII case.
bool istarts_with(std::string_view text, std::string_view prefix);
/// `text` contains `part` but for ASCII case. Linear in text times part.
bool icontains(std::string_view text, std::string_view part);
/// Without spaces, tabs, CR and LF at both ends.
std::string_view trimmed(std::string_view text);
/// The pieces between separators; empty pieces are kept, "" gives one empty piece.
std::vector<std::string_view> split(std::string_view text, char separator);
/// Decimal digits only, the whole text, no sign; nothing when it is not or does not fit.
std::optional<std::uint64_t> number(std::string_view text);
/// True for well-formed UTF-8 (RFC 3629: shortest form, no surrogates); ASCII included.
bool is_utf8(std::string_view text);
bool is_ascii(std::string_view text);
/// The text with each byte that is no part of well-formed UTF-8 as U+FFFD.
std::string well_formed(std::string_view text);

/// Code points of well-formed UTF-8. For malformed input, the bytes of the malformed part
/// come out one by one as `malformed | byte`.
inline constexpr char32_t malformed = 0x80000000;
std::u32string code_points(std::string_view text);

/// How many single-character edits make `a` into `b`; for "did you mean".
std::size_t edit_distance(std::string_view a, std::string_view b);
/// The candidate nearest to `word` when it is near enough to be a typing error.
std::optional<std::string> suggestion(std::string_view word,
                                      const std::vector<std::string>& candidates);

}  // namespace ecrelay::text

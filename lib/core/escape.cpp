#include "core/escape.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/text.h"

namespace ecrelay {

bool is_disguise(char32_t c) {
  return (c >= 0x80 && c <= 0x9F) || c == 0xAD || c == 0x61C || c == 0x180E ||
         (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) ||
         (c >= 0xE0000 && c <= 0xE007F);
}

namespace {

std::string hex(char32_t value, int digits) {
  constexpr std::string_view alphabet = "0123456789abcdef";
  std::string result;
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    result += alphabet[static_cast<std::size_t>(value >> shift) & 0xFU];
  }
  return result;
}

std::string utf8(char32_t c) {
  const auto byte = [](char32_t b) { return static_cast<char>(static_cast<unsigned char>(b)); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xC0 | c >> 6), byte(0x80 | (c & 0x3F))};
  if (c < 0x10000) {
    return {byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
  }
  return {byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 0x3F)), byte(0x80 | (c >> 6 & 0x3F)),
          byte(0x80 | (c & 0x3F))};
}

std::string printable_point(char32_t c) {
  if ((c & text::malformed) != 0) return "\\x" + hex(c & 0xFF, 2);
  if (c == '\\') return "\\\\";
  if (c == '\n') return "\\n";
  if (c == '\r') return "\\r";
  if (c == '\t') return "\\t";
  if (c < 0x20 || c == 0x7F) return "\\x" + hex(c, 2);
  if (is_disguise(c)) return "\\u{" + hex(c, c > 0xFFFF ? 6 : 4) + "}";
  return utf8(c);
}

std::string json_point(char32_t c) {
  if ((c & text::malformed) != 0) return "\\\\x" + hex(c & 0xFF, 2);
  if (c == '"') return "\\\"";
  if (c == '\\') return "\\\\";
  if (c == '\n') return "\\n";
  if (c == '\r') return "\\r";
  if (c == '\t') return "\\t";
  if (c < 0x20 || c == 0x7F) return "\\u" + hex(c, 4);
  if (is_disguise(c)) {
    if (c <= 0xFFFF) return "\\u" + hex(c, 4);
    const char32_t rest = c - 0x10000;
    return "\\u" + hex(0xD800 + (rest >> 10), 4) + "\\u" + hex(0xDC00 + (rest & 0x3FF), 4);
  }
  return utf8(c);
}

/// Nothing in it needs an escape: most of what a log shows, and it is shown for every message.
bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; });
}

template <typename Show>
std::string escaped(std::string_view text, std::size_t limit, Show show) {
  constexpr std::string_view ellipsis = "…";
  if (text.size() <= limit && is_plain(text)) return std::string(text);
  // Each code point is at least a byte of output, so this much input decides the result.
  const auto points = text::code_points(text.substr(0, limit + 4));
  std::string result;
  std::size_t room_for_ellipsis = 0;
  for (const char32_t point : points) {
    result += show(point);
    if (result.size() + ellipsis.size() <= limit) room_for_ellipsis = result.size();
    if (result.size() > limit) {
      result.resize(room_for_ellipsis);
      return result.append(ellipsis);
    }
  }
  return result;
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  return escaped(text, limit, printable_point);
}

std::string json_escaped(std::string_view text, std::size_t limit) {
  return escaped(text, limit, json_point);
}

}  // namespace ecrelay

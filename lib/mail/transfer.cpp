#include "mail/transfer.h"

#include <cstdint>
#include <optional>

#include "core/text.h"

namespace ecrelay::mail {
namespace {

std::optional<unsigned> hex_digit(char c) {
  if (text::is_digit(c)) return static_cast<unsigned>(c - '0');
  const char folded = text::lower(c);
  if (folded >= 'a' && folded <= 'f') return static_cast<unsigned>(folded - 'a') + 10;
  return {};
}

std::optional<std::uint32_t> base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<std::uint32_t>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<std::uint32_t>(c - 'a') + 26;
  if (text::is_digit(c)) return static_cast<std::uint32_t>(c - '0') + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return {};
}

std::string from_base64(std::string_view body) {
  std::string result;
  result.reserve(body.size() / 4 * 3);
  std::uint32_t buffer = 0;
  int bits = 0;
  for (const char c : body) {
    const auto digit = base64_digit(c);
    if (!digit) continue;
    buffer = buffer << 6 | *digit;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    result += static_cast<char>(static_cast<unsigned char>(buffer >> bits));
  }
  return result;
}

/// Length of "=", blanks and a line end (a soft break) at the beginning, else 0.
std::size_t soft_break(std::string_view rest) {
  std::size_t at = 1;
  while (at < rest.size() && (rest[at] == ' ' || rest[at] == '\t' || rest[at] == '\r')) ++at;
  if (at == rest.size()) return at;
  return rest[at] == '\n' ? at + 1 : 0;
}

std::string from_quoted_printable(std::string_view body) {
  std::string result;
  result.reserve(body.size());
  for (std::size_t at = 0; at < body.size();) {
    if (body[at] != '=') {
      result += body[at++];
      continue;
    }
    if (const std::size_t length = soft_break(body.substr(at)); length > 0) {
      at += length;
      continue;
    }
    const auto high = at + 2 < body.size() ? hex_digit(body[at + 1]) : std::nullopt;
    const auto low = at + 2 < body.size() ? hex_digit(body[at + 2]) : std::nullopt;
    if (high && low) {
      result += static_cast<char>(static_cast<unsigned char>(*high << 4 | *low));
      at += 3;
    } else {
      result += body[at++];
    }
  }
  return result;
}

}  // namespace

std::string transfer_decoded(std::string_view encoding, std::string_view body) {
  const std::string_view name = text::trimmed(encoding);
  if (text::iequals(name, "base64")) return from_base64(body);
  if (text::iequals(name, "quoted-printable")) return from_quoted_printable(body);
  return std::string(body);
}

}  // namespace ecrelay::mail

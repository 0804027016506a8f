#include "smtp/dsn.h"

#include "core/text.h"

namespace ecrelay::smtp {
namespace {

std::optional<unsigned> hex_digit(char c) {
  if (text::is_digit(c)) return static_cast<unsigned>(c - '0');
  const char low = text::lower(c);
  if (low >= 'a' && low <= 'f') return static_cast<unsigned>(low - 'a' + 10);
  return {};
}

bool stands_for_itself(char c) { return c > 0x20 && c < 0x7f && c != '+' && c != '='; }

bool* flag_named(Notify& notify, std::string_view word) {
  if (text::iequals(word, "SUCCESS")) return &notify.success;
  if (text::iequals(word, "FAILURE")) return &notify.failure;
  if (text::iequals(word, "DELAY")) return &notify.delay;
  return text::iequals(word, "NEVER") ? &notify.never : nullptr;
}

}  // namespace

std::optional<Notify> parse_notify(std::string_view value) {
  Notify notify;
  for (const std::string_view word : text::split(value, ',')) {
    bool* const flag = flag_named(notify, word);
    if (flag == nullptr || *flag || notify.never) return {};
    *flag = true;
  }
  if (notify.never && notify != Notify{.never = true}) return {};
  return notify;
}

std::string to_text(const Notify& notify) {
  if (notify.never) return "NEVER";
  std::string words;
  if (notify.success) words += ",SUCCESS";
  if (notify.failure) words += ",FAILURE";
  if (notify.delay) words += ",DELAY";
  return words.empty() ? words : words.substr(1);
}

std::string xtext_encoded(std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (stands_for_itself(c)) {
      encoded += c;
    } else {
      encoded.append({'+', hex[byte >> 4], hex[byte & 15U]});
    }
  }
  return encoded;
}

std::optional<std::string> xtext_decoded(std::string_view xtext) {
  std::string decoded;
  for (std::size_t i = 0; i < xtext.size(); ++i) {
    char c = xtext[i];
    if (c == '+') {
      if (xtext.size() - i < 3) return {};
      const auto high = hex_digit(xtext[i + 1]);
      const auto low = hex_digit(xtext[i + 2]);
      if (!high || !low) return {};
      c = static_cast<char>(*high << 4 | *low);
      i += 2;
      if (text::is_control(c)) return {};
    } else if (!stands_for_itself(c)) {
      return {};
    }
    decoded += c;
  }
  if (!text::is_utf8(decoded)) return {};
  return decoded;
}

}  // namespace ecrelay::smtp

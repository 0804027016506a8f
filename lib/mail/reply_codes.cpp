#include "mail/reply_codes.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace ecrelay::mail {
namespace {

constexpr bool is_enhanced_class(char c) { return c == '2' || c == '4' || c == '5'; }

bool in_number(char c) { return text::is_digit(c) || c == '.'; }

/// "5.1.1": class and subject of one digit (RFC 3463 has subjects 0 to 7), a detail of up to three.
bool is_enhanced(std::string_view run) {
  if (run.size() < 5 || !is_enhanced_class(run[0]) || run[1] != '.') return false;
  const auto parts = text::split(run, '.');
  return parts.size() == 3 && parts[1].size() == 1 && !parts[2].empty() && parts[2].size() <= 3;
}

/// What a reply code may stand behind: nothing that makes it part of a name, number or address.
bool begins_reply(std::string_view text, std::size_t at) {
  if (at == 0) return true;
  // "2606:2800:220:…" is an address.
  if (text[at - 1] == ':' && at > 1 && text::is_alnum(text[at - 2])) return false;
  for (const std::string_view wide : {"：", "（", "「", "、"}) {
    if (text.substr(0, at).ends_with(wide)) return true;
  }
  constexpr std::string_view openers = " \t\n\"'[(<>:;,=/#";
  return openers.find(text[at - 1]) != std::string_view::npos;
}

bool ends_reply(std::string_view text, std::size_t end) {
  if (end == text.size()) return true;
  constexpr std::string_view closers = " \t\n-:]),.;\"'<";
  if (closers.find(text[end]) == std::string_view::npos) return false;
  // "550.5" and "451-23" are numbers, "550-5.7.1" and "550-Text" are replies.
  if (text[end] == '.') return end + 1 == text.size() || !text::is_digit(text[end + 1]);
  return true;
}

bool is_reply(std::string_view code) {
  static constexpr std::array<std::string_view, 47> codes = {
      "211", "220", "250", "251", "252", "421", "430", "431", "432", "441", "442", "446",
      "447", "449", "450", "451", "452", "453", "454", "455", "458", "459", "471", "500",
      "501", "502", "503", "504", "510", "511", "512", "513", "515", "521", "523", "525",
      "530", "534", "535", "541", "550", "551", "552", "553", "554", "555", "556"};
  return std::binary_search(codes.begin(), codes.end(), code) || code == "557" || code == "571";
}

}  // namespace

std::vector<std::string> enhanced_codes(std::string_view text) {
  std::vector<std::string> codes;
  for (std::size_t at = 0; at < text.size();) {
    if (!text::is_digit(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && in_number(text[end])) ++end;
    auto run = text.substr(at, end - at);
    while (run.ends_with('.')) run.remove_suffix(1);
    const bool alone = at == 0 || (!text::is_alnum(text[at - 1]) && text[at - 1] != '_');
    const bool ends = end == text.size() || !text::is_alpha(text[end]);
    if (alone && ends && is_enhanced(run)) codes.emplace_back(run);
    at = end;
  }
  return codes;
}

std::vector<std::string> reply_codes(std::string_view text) {
  std::vector<std::string> codes;
  for (std::size_t at = 0; at + 3 <= text.size(); ++at) {
    if (text[at] != '2' && text[at] != '4' && text[at] != '5') continue;
    const auto code = text.substr(at, 3);
    if (is_reply(code) && begins_reply(text, at) && ends_reply(text, at + 3))
      codes.emplace_back(code);
  }
  return codes;
}

bool is_vague(std::string_view enhanced) {
  return enhanced.empty() || enhanced.ends_with(".0.0") || enhanced.ends_with(".4.7");
}

}  // namespace ecrelay::mail

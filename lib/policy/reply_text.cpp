#include "policy/reply_text.h"

#include <algorithm>
#include <array>

#include "core/text.h"
#include "policy/reply_words.h"

namespace ecrelay::policy {
namespace {

bool matches(const Status& code, const Status& sign) {
  return code == sign ||
         (sign.detail == any_detail && code.klass == sign.klass && code.subject == sign.subject);
}

constexpr std::size_t longest_read = 4096;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Addresses and URLs hold words that state nothing: <spam@…>, http://…/blocked.
bool is_name(std::string_view token) {
  return token.find('@') != std::string_view::npos || token.find("://") != std::string_view::npos;
}

/// Lower case, blanks as single spaces, names as "@".
std::string readable(std::string_view text) {
  const std::string folded = text::lowered(text);
  std::string result;
  for (std::size_t at = 0; at < folded.size();) {
    if (is_blank(folded[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < folded.size() && !is_blank(folded[end])) ++end;
    const auto token = std::string_view(folded).substr(at, end - at);
    if (!result.empty()) result += ' ';
    result += is_name(token) ? std::string_view("@") : token;
    at = end;
  }
  return result;
}

bool in_number(char c) { return text::is_digit(c) || c == '.'; }

/// Every run of digits and dots that is a status code, so that 5.1.1.20 is none.
void collect_codes(std::string_view text, std::vector<Status>& codes) {
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && in_number(text[end])) ++end;
    auto run = text.substr(at, end - at);
    if (!run.empty() && run.back() == '.') run.remove_suffix(1);  // the end of a sentence
    if (const auto status = parse_status(run)) codes.push_back(*status);
    at = end + 1;
  }
}

}  // namespace

std::optional<Status> parse_status(std::string_view text) {
  const auto parts = text::split(text, '.');
  if (parts.size() != 3) return {};
  std::array<int, 3> numbers{};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto number = parts[i].size() <= 3 ? text::number(parts[i]) : std::nullopt;
    if (!number) return {};
    numbers[i] = static_cast<int>(*number);
  }
  if (numbers[0] != 2 && numbers[0] != 4 && numbers[0] != 5) return {};
  return Status{numbers[0], numbers[1], numbers[2]};
}

ReplyText::ReplyText(std::string_view enhanced, std::string_view text)
    : words_(readable(text.substr(0, longest_read))) {
  collect_codes(enhanced, codes_);
  collect_codes(words_, codes_);
}

bool ReplyText::says(Topic topic) const {
  const Signs signs = signs_of(topic);
  const auto phrases = text::split(signs.words, '|');
  const auto stands = [&](std::string_view phrase) { return contains(phrase); };
  const auto given = [&](const Status& sign) { return has(sign); };
  return std::any_of(signs.codes.begin(), signs.codes.end(), given) ||
         std::any_of(phrases.begin(), phrases.end(), stands);
}

bool ReplyText::contains(std::string_view phrase) const {
  for (auto at = words_.find(phrase); at != std::string::npos; at = words_.find(phrase, at + 1)) {
    const std::size_t end = at + phrase.size();
    const bool begins = at == 0 || !text::is_alnum(words_[at - 1]);
    const bool ends = end == words_.size() || !text::is_alnum(words_[end]);
    if (begins && ends) return true;
  }
  return false;
}

bool ReplyText::has(const Status& status) const {
  return std::any_of(codes_.begin(), codes_.end(),
                     [&](const Status& code) { return matches(code, status); });
}

bool ReplyText::has_class(int klass) const {
  return std::any_of(codes_.begin(), codes_.end(),
                     [&](const Status& code) { return code.klass == klass; });
}

bool ReplyText::only_generic() const {
  return std::all_of(codes_.begin(), codes_.end(),
                     [](const Status& code) { return code.subject == 0; });
}

}  // namespace ecrelay::policy

#include "policy/reply_text.h"

#include <algorithm>
#include <array>
#include <memory>

#include "core/text.h"
#include "policy/phrase.h"
#include "policy/reply_words.h"

namespace ecrelay::policy {
namespace {

bool matches(const Status& code, const Status& sign) {
  return code == sign ||
         (sign.detail == any_detail && code.klass == sign.klass && code.subject == sign.subject);
}

constexpr std::size_t longest_read = 4096;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// A letter of U+00C0 to U+00FF without its accent.
char without_accent(unsigned char second) {
  constexpr std::string_view base =
      "aaaaaaaceeeeiiiidnooooo*ouuuuytsaaaaaaaceeeeiiiidnooooo*ouuuuyty";
  return base[second - 0x80U];
}

/// Addresses and URLs hold words that state nothing: <spam@…>, http://…/blocked.
bool is_name(std::string_view token) {
  return token.find('@') != std::string_view::npos || token.find("://") != std::string_view::npos;
}

bool is_wide(char c) { return static_cast<unsigned char>(c) >= 0x80; }

/// Chinese and Japanese put no blanks between words, and lines are broken anywhere.
bool joins(std::string_view before, std::string_view behind) {
  const auto cjk = [](char c) { return static_cast<unsigned char>(c) >= 0xE3; };
  return before.size() >= 3 && cjk(before[before.size() - 3]) && is_wide(before.back()) &&
         cjk(behind.front());
}

/// Folded, blanks as single spaces, names as "@". A name ends where the script changes.
std::string readable(std::string_view text) {
  const std::string plain = folded(text);
  std::string result;
  bool after_blank = false;
  for (std::size_t at = 0; at < plain.size();) {
    if (is_blank(plain[at])) {
      after_blank = true;
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < plain.size() && !is_blank(plain[end]) && is_wide(plain[end]) == is_wide(plain[at]))
      ++end;
    const auto token = std::string_view(plain).substr(at, end - at);
    if (after_blank && !result.empty() && !joins(result, token)) result += ' ';
    result += is_name(token) ? std::string_view("@") : token;
    after_blank = false;
    at = end;
  }
  return result;
}

std::string without_frames(std::string words) {
  for (const std::string_view phrase : text::split(words_of_frames(), '|')) {
    const auto star = phrase.find('*');
    const std::string_view start = phrase.substr(0, star);
    for (auto at = words.find(start); at != std::string::npos; at = words.find(start, at)) {
      const auto end =
          star == std::string_view::npos ? at + phrase.size() : phrase_end(phrase, words, at);
      if (end == std::string::npos) break;
      words.erase(at, end - at);
    }
  }
  return words;
}

/// All topics' phrases, put together once.
const PhraseIndex& phrases() {
  static const auto index = [] {
    auto made = std::make_unique<PhraseIndex>();
    for (unsigned topic = 0; topic < topics; ++topic) {
      for (const std::string_view phrase :
           text::split(signs_of(static_cast<Topic>(topic)).words, '|'))
        made->add(phrase, topic);
    }
    return made;
  }();
  return *index;
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

std::string folded(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto first = static_cast<unsigned char>(text[at]);
    const auto second = static_cast<unsigned char>(at + 1 < text.size() ? text[at + 1] : '\0');
    if (first == 0xC3 && second >= 0x80 && second <= 0xBF) {
      result += without_accent(second);
      ++at;
    } else if (first == 0xD0 && second >= 0x90 && second <= 0x9F) {
      result += {'\xD0', static_cast<char>(second + 0x20U)};
      ++at;
    } else if (first == 0xD0 && second >= 0xA0 && second <= 0xAF) {
      result += {'\xD1', static_cast<char>(second - 0x20U)};
      ++at;
    } else if (text.substr(at).starts_with("\xE2\x80\x99")) {
      result += '\'';
      at += 2;
    } else if (text.substr(at).starts_with("\xC2\xA0")) {
      result += ' ';
      ++at;
    } else if (text.substr(at).starts_with("\xE3\x80\x80")) {
      result += ' ';
      at += 2;
    } else {
      result += text::lower(text[at]);
    }
  }
  return result;
}

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
    : words_(without_frames(readable(text.substr(0, longest_read)))),
      topics_(phrases().sets_in(words_)) {
  collect_codes(enhanced, codes_);
  collect_codes(words_, codes_);
}

bool ReplyText::says(Topic topic) const {
  if ((topics_ >> static_cast<unsigned>(topic) & 1U) != 0) return true;
  const auto codes = signs_of(topic).codes;
  return std::any_of(codes.begin(), codes.end(), [&](const Status& sign) { return has(sign); });
}

bool ReplyText::contains(std::string_view phrase) const { return has_phrase(phrase, words_); }

std::vector<std::string> ReplyText::named_by(Topic topic) const {
  std::vector<std::string> names;
  for (const std::string_view phrase : text::split(signs_of(topic).words, '|')) {
    if (phrase.find('*') != std::string_view::npos) has_phrase(phrase, words_, &names);
  }
  return names;
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

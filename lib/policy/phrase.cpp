#include "policy/phrase.h"

#include <algorithm>

#include "core/text.h"

namespace ecrelay::policy {
namespace {

/// Japanese and Chinese words touch what stands beside them.
bool is_wide(char c) { return static_cast<unsigned char>(c) >= 0x80; }

bool may_begin(std::string_view text, std::size_t at) {
  return at == 0 || !text::is_alnum(text[at - 1]) || (at < text.size() && is_wide(text[at]));
}

bool may_end(std::string_view text, std::size_t end) {
  return end == text.size() || !text::is_alnum(text[end]) || is_wide(text[end - 1]);
}

}  // namespace

std::size_t phrase_end(std::string_view phrase, std::string_view text, std::size_t at,
                       std::vector<std::string>* named) {
  constexpr auto nowhere = std::string_view::npos;
  if (!may_begin(text, at)) return nowhere;
  std::vector<std::string> words;
  for (const char c : phrase) {
    if (c != '*') {
      if (at >= text.size() || text[at++] != c) return nowhere;
      continue;
    }
    const auto end = std::min(text.find(' ', at), text.size());
    if (end == at) return nowhere;
    if (named != nullptr) words.emplace_back(text.substr(at, end - at));
    at = end;
  }
  if (!may_end(text, at)) return nowhere;
  if (named != nullptr) named->insert(named->end(), words.begin(), words.end());
  return at;
}

bool has_phrase(std::string_view phrase, std::string_view text, std::vector<std::string>* named) {
  const std::string_view start = phrase.substr(0, phrase.find('*'));
  for (auto at = text.find(start); at != std::string_view::npos; at = text.find(start, at + 1)) {
    if (phrase_end(phrase, text, at, named) != std::string_view::npos) return true;
  }
  return false;
}

std::size_t PhraseIndex::bucket_of(std::string_view start) {
  std::size_t hash = 0;
  for (const char c : start.substr(0, 3)) hash = hash * 61 + static_cast<unsigned char>(c);
  return hash % buckets;
}

void PhraseIndex::add(std::string_view phrase, unsigned set) {
  entries_[bucket_of(phrase)].push_back({phrase, 1U << set});
}

std::uint32_t PhraseIndex::sets_in(std::string_view text) const {
  std::uint32_t found = 0;
  for (std::size_t at = 0; at + 3 <= text.size(); ++at) {
    if (!may_begin(text, at)) continue;
    for (const Entry& entry : entries_[bucket_of(text.substr(at))]) {
      const bool known = (found & entry.set) != 0;
      if (!known && phrase_end(entry.phrase, text, at) != std::string_view::npos)
        found |= entry.set;
    }
  }
  return found;
}

}  // namespace ecrelay::policy

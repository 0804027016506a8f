#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ecrelay::policy {

/// Phrases in a folded text (see folded()): a phrase stands where no ASCII letter or digit touches
/// its ends (those of Japanese and Chinese ones may be touched); a '*' in it, between blanks, is
/// any one word. Nothing here backtracks: a search costs at most text times phrase.

/// Where the phrase ends that stands at `at`, npos where it does not. `named` takes the words in
/// place of '*'.
std::size_t phrase_end(std::string_view phrase, std::string_view text, std::size_t at,
                       std::vector<std::string>* named = nullptr);

/// The phrase stands somewhere; `named` as above, of the first place.
bool has_phrase(std::string_view phrase, std::string_view text,
                std::vector<std::string>* named = nullptr);

/// Many phrases looked for at once, in one pass over a text: it takes some tens of microseconds
/// for 4 KiB, however many there are.
class PhraseIndex {
 public:
  /// `set` is 0 to 31. Phrases of fewer than three bytes are not found.
  void add(std::string_view phrase, unsigned set);
  /// Bit n: a phrase of set n stands in the text.
  std::uint32_t sets_in(std::string_view text) const;

 private:
  struct Entry {
    std::string_view phrase;
    std::uint32_t set;
  };
  static constexpr std::size_t buckets = 4096;
  static std::size_t bucket_of(std::string_view start);

  std::array<std::vector<Entry>, buckets> entries_;  ///< by the first three bytes
};

}  // namespace ecrelay::policy

#include "mail/encoded_word.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/base64.h"
#include "core/text.h"
#include "mail/charset.h"

namespace ecrelay::mail {
namespace {

struct EncodedWord {
  std::string charset;
  std::string bytes;       ///< decoded from Q or B, still in the charset
  std::size_t length = 0;  ///< in the text
};

std::optional<unsigned> hex_digit(char c) {
  if (text::is_digit(c)) return static_cast<unsigned>(c - '0');
  c = text::lower(c);
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  return {};
}

/// The byte that "=E3" stands for.
std::optional<char> escaped_byte(std::string_view text) {
  if (text.size() < 3 || text[0] != '=') return {};
  const auto high = hex_digit(text[1]);
  const auto low = hex_digit(text[2]);
  if (!high || !low) return {};
  return static_cast<char>(static_cast<unsigned char>(*high << 4 | *low));
}

std::string decode_q(std::string_view coded) {
  std::string bytes;
  for (std::size_t i = 0; i < coded.size(); ++i) {
    if (const auto byte = escaped_byte(coded.substr(i))) {
      bytes += *byte;
      i += 2;
    } else {
      bytes += coded[i] == '_' ? ' ' : coded[i];
    }
  }
  return bytes;
}

/// Base64 whose padding the sender may have left off.
std::optional<std::string> decode_b(std::string_view coded) {
  std::string padded(coded.substr(0, coded.find('=')));
  padded.append((4 - padded.size() % 4) % 4, '=');
  return base64_decode(padded);
}

/// The decodable encoded word ("=?charset*language?Q?text?=") at the front of `text`.
std::optional<EncodedWord> take_word(std::string_view text) {
  constexpr std::size_t longest_charset = 60;
  if (!text.starts_with("=?")) return {};
  const auto charset_end = text.substr(0, longest_charset).find('?', 2);
  if (charset_end == text.npos) return {};
  const std::string_view coding = text.substr(charset_end, 3);
  const bool is_q = text::iequals(coding, "?q?");
  if (!is_q && !text::iequals(coding, "?b?")) return {};
  // Neither white space nor "?" can stand in a word, so the search is short.
  const auto start = charset_end + 3;
  const auto end = text.find_first_of("? \t\r\n", start);
  if (end == text.npos || !text.substr(end).starts_with("?=")) return {};

  const std::string_view charset = text.substr(2, charset_end - 2);
  EncodedWord word;
  word.charset = text::lowered(charset.substr(0, charset.find('*')));  // RFC 2231 section 5
  if (!is_known_charset(word.charset)) return {};
  const std::string_view coded = text.substr(start, end - start);
  auto bytes = is_q ? std::optional(decode_q(coded)) : decode_b(coded);
  if (!bytes) return {};
  word.bytes = *std::move(bytes);
  word.length = end + 2;
  return word;
}

std::string cut_between_characters(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) --limit;
  text.resize(limit);
  return text;
}

/// Puts the pieces of a text together.
class Decoder {
 public:
  std::size_t size() const { return result_.size(); }

  void add(const EncodedWord& word) {
    if (words_charset_.empty()) result_ += std::exchange(gap_, {});
    gap_.clear();  // between two words it is no part of the text
    if (words_charset_ != word.charset) end_words();
    words_charset_ = word.charset;
    words_ += word.bytes;
  }

  void add(char c) {
    if (c == ' ' || c == '\t') {
      gap_ += c;
      return;
    }
    end_words();
    result_ += std::exchange(gap_, {});
    result_ += c;
  }

  std::string finish() {
    end_words();
    return std::move(result_) + gap_;
  }

 private:
  void end_words() {
    if (!words_charset_.empty()) result_ += to_utf8(words_charset_, words_);
    words_charset_.clear();
    words_.clear();
  }

  std::string result_;
  std::string gap_;            ///< white space of which it is not known yet whether it counts
  std::string words_charset_;  ///< of the encoded words that wait in words_
  std::string words_;
};

}  // namespace

std::string decode_encoded_words(std::string_view text, std::size_t limit) {
  Decoder decoder;
  for (std::size_t at = 0; at < text.size() && decoder.size() <= limit;) {
    if (const auto word = take_word(text.substr(at))) {
      decoder.add(*word);
      at += word->length;
    } else {
      decoder.add(text[at++]);
    }
  }
  return cut_between_characters(decoder.finish(), limit);
}

}  // namespace ecrelay::mail

#include "mail/mailbox_list.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "core/text.h"

namespace ecrelay::mail {
namespace {

constexpr std::size_t most_addresses = 100;

bool is_word_character(char c) {
  constexpr std::string_view marks = ".!#$%&'*+-/=?^_`{|}~";
  return text::is_alnum(c) || marks.find(c) != marks.npos || static_cast<unsigned char>(c) >= 0x80;
}

/// No control characters but tabs and the CRLF of folding.
bool is_clean(std::string_view value) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!text::is_control(value[i]) || value[i] == '\t') continue;
    const std::string_view rest = value.substr(i);
    if (!rest.starts_with("\r\n ") && !rest.starts_with("\r\n\t")) return false;
    ++i;
  }
  return true;
}

/// Reads the list from left to right, one look at each byte.
class Reader {
 public:
  explicit Reader(std::string_view value) : rest_(value) {}

  Result<std::vector<Address>> read() {
    while (true) {
      if (auto read = read_element(); !read) return read.error();
      if (rest_.empty()) break;
      rest_.remove_prefix(1);  // the comma, or the colon of a group
    }
    if (in_group_) return invalid("address group is not closed");
    if (addresses_.empty()) return invalid("no address in the list");
    return std::move(addresses_);
  }

 private:
  /// Up to a separator: a mailbox, nothing (obs-mbox-list), or the name of a group.
  Result<void> read_element() {
    std::string_view word;
    std::size_t words = 0;
    while (true) {
      if (const auto skipped = skip_space(); !skipped) return skipped;
      const char next = rest_.empty() ? ',' : rest_.front();
      if (next == ',' || next == ';') {
        if (words > 0) return invalid("name without an address");
        return end_element();
      }
      if (next == ':') return open_group(words);
      if (next == '<') return read_angle_address();
      const auto length = word_length();
      if (!length) return length.error();
      word = rest_.substr(0, *length);
      rest_.remove_prefix(*length);
      ++words;
      if (rest_.starts_with('@')) {
        if (words > 1) return invalid("@ in a name that is not in quotes");
        return read_address(word);
      }
    }
  }

  Result<void> read_angle_address() {
    rest_.remove_prefix(1);
    const auto length = word_length();
    if (!length) return length.error();
    const std::string_view local = rest_.substr(0, *length);
    rest_.remove_prefix(*length);
    if (const auto added = add_address(local); !added) return added;
    if (!rest_.starts_with('>')) return invalid("address in angle brackets does not end in >");
    rest_.remove_prefix(1);
    return end_element();
  }

  Result<void> read_address(std::string_view local) {
    if (const auto added = add_address(local); !added) return added;
    return end_element();
  }

  /// Takes the @ and the domain behind `local`, which was taken just before.
  Result<void> add_address(std::string_view local) {
    if (!rest_.starts_with('@')) return invalid("no @ directly behind a local part");
    const auto end = std::find_if_not(rest_.begin() + 1, rest_.end(), is_word_character);
    const auto length = static_cast<std::size_t>(end - rest_.begin());
    const auto address =
        parse_address(std::string(local).append(rest_.substr(0, length)), Utf8::allowed);
    if (!address) return address.error();
    if (addresses_.size() == most_addresses) return invalid("more than 100 addresses");
    rest_.remove_prefix(length);
    addresses_.push_back(*address);
    return {};
  }

  /// Only a separator may come now.
  Result<void> end_element() {
    if (const auto skipped = skip_space(); !skipped) return skipped;
    if (rest_.starts_with(';')) return close_group();
    if (!rest_.empty() && !rest_.starts_with(',')) return invalid("text behind an address");
    return {};
  }

  Result<void> open_group(std::size_t words) {
    if (words == 0 || in_group_) return invalid("colon where no group can begin");
    in_group_ = true;
    return {};
  }

  /// A semicolon stands in front; a comma or nothing has to follow it.
  Result<void> close_group() {
    if (!in_group_) return invalid("semicolon outside a group");
    in_group_ = false;
    rest_.remove_prefix(1);
    if (const auto skipped = skip_space(); !skipped) return skipped;
    if (!rest_.empty() && !rest_.starts_with(',')) return invalid("text behind a group");
    return {};
  }

  /// Length of the quoted string or of the run of letters in front.
  Result<std::size_t> word_length() const {
    if (rest_.starts_with('"')) return quoted_length();
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_word_character);
    if (end == rest_.begin()) return invalid("character that has no place in an address list");
    return static_cast<std::size_t>(end - rest_.begin());
  }

  Result<std::size_t> quoted_length() const {
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') return i + 1;
      if (rest_[i] == '\\') ++i;
    }
    return invalid("quote is not closed");
  }

  /// White space, folding and comments.
  Result<void> skip_space() {
    std::size_t depth = 0;
    std::size_t at = 0;
    for (; at < rest_.size(); ++at) {
      const char c = rest_[at];
      const bool is_space = c == ' ' || c == '\t' || c == '\r' || c == '\n';
      if (depth == 0 && c != '(' && !is_space) break;
      if (c == '(') ++depth;
      if (c == ')') --depth;
      if (c == '\\') ++at;
    }
    if (depth > 0) return invalid("comment is not closed");
    rest_.remove_prefix(std::min(at, rest_.size()));
    return {};
  }

  std::string_view rest_;
  std::vector<Address> addresses_;
  bool in_group_ = false;
};

}  // namespace

Result<std::vector<Address>> parse_mailbox_list(std::string_view value) {
  if (!is_clean(value)) return invalid("control character in an address list");
  return Reader(value).read();
}

}  // namespace ecrelay::mail

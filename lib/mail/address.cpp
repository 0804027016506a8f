#include "mail/address.h"

#include <idn2.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "core/escape.h"
#include "core/text.h"

namespace ecrelay::mail {
namespace {

constexpr std::size_t longest_local = 64;
constexpr std::size_t longest_domain = 255;
constexpr std::size_t longest_label = 63;
constexpr std::size_t longest_address = 254;  // RFC 5321 4.5.3.1.3, the angle brackets taken off

bool is_atext(char c) {
  constexpr std::string_view marks = "!#$%&'*+-/=?^_`{|}~";
  return text::is_alnum(c) || marks.find(c) != std::string_view::npos ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool is_atext_or_dot(char c) { return c == '.' || is_atext(c); }

bool is_dot_string(std::string_view text) {
  return !text.starts_with('.') && !text.ends_with('.') && text.find("..") == text.npos;
}

/// White space beyond ASCII's; the ideographic space is a common slip of Japanese keyboards.
bool is_wide_space(char32_t c) {
  return c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

Result<void> check_characters(std::string_view text, Utf8 utf8) {
  if (std::any_of(text.begin(), text.end(), text::is_control)) {
    return invalid("address holds a control character");
  }
  if (text::is_ascii(text)) return {};
  if (utf8 == Utf8::refused) return invalid("address is not ASCII and SMTPUTF8 was not asked for");
  if (!text::is_utf8(text)) return invalid("address is not valid UTF-8");
  const std::u32string points = text::code_points(text);
  if (std::any_of(points.begin(), points.end(), is_disguise)) {
    return invalid("address holds an invisible or format character");
  }
  if (std::any_of(points.begin(), points.end(), is_wide_space)) {
    return invalid("address holds a space");
  }
  return {};
}

/// Where the quoted string at the front of `text` ends, or why it does not.
Result<std::size_t> quoted_length(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] != '\\') continue;
    ++i;
    if (i == text.size()) return invalid("address ends in a backslash");
    if (static_cast<unsigned char>(text[i]) >= 0x80) {
      return invalid("address has a backslash before a character that is not ASCII");
    }
  }
  return invalid("address has an open quote");
}

/// Where the unquoted local part ends: at the one @.
Result<std::size_t> bare_length(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_atext_or_dot);
  if (end == text.end()) return invalid("address has no @");
  if (*end == ' ') return invalid("address holds a space");
  if (*end == '\\') return invalid("address has a backslash outside quotes");
  if (*end != '@') return invalid("local part holds a character that must be quoted");
  return static_cast<std::size_t>(end - text.begin());
}

Result<void> check_local(std::string_view local) {
  if (local.empty() || local == "\"\"") return invalid("address has no local part");
  if (local.size() > longest_local) return invalid("local part is longer than 64 octets");
  return {};
}

bool is_label_character(char c) { return text::is_alnum(c) || c == '-' || c == '_'; }

Result<void> check_label(std::string_view label) {
  if (label.empty()) return invalid("domain has an empty label");
  if (label.size() > longest_label) return invalid("domain has a label longer than 63 octets");
  if (label.starts_with('-') || label.ends_with('-')) {
    return invalid("domain has a label with a hyphen at its end");
  }
  if (!std::all_of(label.begin(), label.end(), is_label_character)) {
    return invalid("domain holds a character that no domain can have");
  }
  return {};
}

/// The A-label form of a UTF-8 domain, lower case.
std::optional<std::string> a_labels(const std::string& domain) {
  if (domain.find('\0') != std::string::npos) return {};
  char* converted = nullptr;
  const int outcome =
      idn2_to_ascii_8z(domain.c_str(), &converted, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, void (*)(void*)> owner(converted, idn2_free);
  if (outcome != IDN2_OK) return {};
  return text::lowered(owner.get());
}

/// The A-label form of any domain that mail can be for.
Result<std::string> checked_domain(std::string_view domain) {
  if (domain.empty()) return invalid("address has no domain");
  if (domain.find('@') != domain.npos) return invalid("address has two @");
  if (domain.find(' ') != domain.npos) return invalid("address holds a space");
  if (domain.size() > longest_domain) return invalid("domain is longer than 255 octets");
  if (domain.starts_with('[')) return refused("address literals are not accepted");
  std::optional<std::string> ascii(domain);
  if (!text::is_ascii(domain)) ascii = a_labels(*ascii);
  if (!ascii) return invalid("domain is no internationalized domain name");
  if (const auto checked = check_domain(*ascii); !checked) return checked.error();
  return *std::move(ascii);
}

/// What a local part says: quotes and backslashes taken off.
std::string content_of(std::string_view local) {
  if (!local.starts_with('"')) return std::string(local);
  std::string content;
  for (std::size_t i = 1; i + 1 < local.size(); ++i) {
    if (local[i] == '\\') ++i;
    content += local[i];
  }
  return content;
}

std::string in_quotes(std::string_view content) {
  std::string result = "\"";
  for (const char c : content) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

std::string bare_local(std::string_view local) {
  std::string content = content_of(local);
  const bool can_be_bare = std::all_of(content.begin(), content.end(), is_atext_or_dot);
  return can_be_bare ? content : in_quotes(content);
}

}  // namespace

std::string Address::quoted() const {
  const std::string local = bare_local(this->local());
  const bool needs_quotes = !local.starts_with('"') && !is_dot_string(local);
  return (needs_quotes ? in_quotes(local) : local) + "@" + std::string(domain());
}

std::string Address::bare() const { return bare_local(local()) + "@" + std::string(domain()); }

std::string Address::key() const {
  return text::lowered(bare_local(local())) + "@" + domain_key(domain());
}

bool Address::is_ascii() const { return text::is_ascii(text_); }

Result<Address> parse_address(std::string_view text, Utf8 utf8) {
  if (text.empty()) return invalid("address is empty");
  // One more than the limit: a dot at the end does not count.
  if (text.size() > longest_address + 1) return invalid("address is longer than 254 octets");
  if (const auto checked = check_characters(text, utf8); !checked) return checked.error();
  const auto length = text.starts_with('"') ? quoted_length(text) : bare_length(text);
  if (!length) return length.error();
  const std::string_view local = text.substr(0, *length);
  if (const auto checked = check_local(local); !checked) return checked.error();
  if (!text.substr(*length).starts_with('@')) {
    return invalid("local part goes on behind its quotes");
  }
  if (text.ends_with('.') && !text.ends_with("..")) text.remove_suffix(1);
  const auto domain = checked_domain(text.substr(*length + 1));
  if (!domain) return domain.error();
  // The A-label form can be the longer one, and it may be what is sent.
  if (std::max(text.size(), *length + 1 + domain->size()) > longest_address) {
    return invalid("address is longer than 254 octets");
  }
  return Address(std::string(text), *length);
}

std::string domain_key(std::string_view domain) {
  std::string key = text::lowered(domain);
  if (key.ends_with('.')) key.pop_back();
  if (text::is_ascii(key) || key.size() > longest_domain) return key;
  auto converted = a_labels(key);
  if (!converted) return key;
  if (converted->ends_with('.')) converted->pop_back();  // it was an ideographic full stop
  return *std::move(converted);
}

Result<void> check_domain(std::string_view ascii) {
  if (ascii.empty() || ascii.size() > longest_domain) {
    return invalid("domain is empty or longer than 255 octets");
  }
  const auto labels = text::split(ascii, '.');
  for (const std::string_view label : labels) {
    if (const auto checked = check_label(label); !checked) return checked;
  }
  if (labels.size() < 2) return refused("domain has no dot");
  const std::string_view last = labels.back();
  if (std::all_of(last.begin(), last.end(), text::is_digit)) {
    return refused("domain ends in a number");
  }
  return {};
}

}  // namespace ecrelay::mail

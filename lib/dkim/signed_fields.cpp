#include "dkim/signed_fields.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/text.h"

namespace ecrelay::dkim {

namespace {

// RFC 6376 5.4.1 and what mail providers read. All are oversigned: one of them added on the way
// would be shown to people or obeyed by programs as if the shop had written it.
constexpr auto names = std::to_array<std::string_view>(
    {"from", "to", "cc", "subject", "date", "message-id", "reply-to", "sender", "in-reply-to",
     "references", "mime-version", "content-type", "content-transfer-encoding", "list-id",
     "list-unsubscribe", "list-unsubscribe-post", "feedback-id"});

// libopendkim cuts its list of names off at DKIM_MAXHEADER without saying so.
constexpr std::size_t longest_list = 4095;

bool is_signed(std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view listed) { return text::iequals(listed, name); });
}

bool has_bare_line_end(std::string_view head) {
  bool after_cr = false;
  for (const char c : head) {
    if (after_cr != (c == '\n')) return true;
    after_cr = c == '\r';
  }
  return after_cr;
}

/// Takes the next field, its continuation lines included, off the head; empty at the end of the
/// header section.
std::string_view take_field(std::string_view& head) {
  std::size_t end = head.find("\r\n");
  while (end != std::string_view::npos && end + 2 < head.size() &&
         (head[end + 2] == ' ' || head[end + 2] == '\t')) {
    end = head.find("\r\n", end + 2);
  }
  const std::string_view field = head.substr(0, end);
  head.remove_prefix(end == std::string_view::npos ? head.size() : end + 2);
  return field;
}

std::optional<Field> parsed(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view name = line.substr(0, colon);
  return Field{name.substr(0, name.find_last_not_of(" \t") + 1), line.substr(colon + 1)};
}

bool has_from(const std::vector<Field>& fields) {
  return std::any_of(fields.begin(), fields.end(),
                     [](const Field& field) { return text::iequals(field.name, "from"); });
}

bool is_name_text(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return text::is_alnum(c) || c == '-' || c == '_' || c == '.';
  });
}

}  // namespace

std::span<const std::string_view> signed_fields() { return names; }

Result<std::vector<Field>> fields_to_sign(std::string_view head) {
  if (has_bare_line_end(head)) return invalid("a bare CR or LF in the header section");
  std::vector<Field> fields;
  std::size_t listed = 0;
  while (!head.empty()) {
    const std::string_view line = take_field(head);
    if (line.empty()) break;
    const std::optional<Field> field = parsed(line);
    if (!field || !is_signed(field->name)) continue;
    if (field->value.find_first_of(std::string_view("\0\v\f", 3)) != std::string_view::npos) {
      return invalid("NUL, VT or FF in the field " + std::string(field->name));
    }
    listed += field->name.size() + 1;
    fields.push_back(*field);
  }
  if (!has_from(fields)) return invalid("no From field");
  if (listed > longest_list) return invalid("too many repeated header fields to sign");
  return fields;
}

std::vector<std::string_view> listed_names(std::span<const Field> fields) {
  std::vector<std::string_view> listed;
  listed.reserve(fields.size() + names.size());
  for (const Field& field : fields) listed.push_back(field.name);
  listed.insert(listed.end(), names.begin(), names.end());
  return listed;
}

Result<void> check(const Identity& identity) {
  if (!is_name_text(identity.domain) || !is_name_text(identity.selector)) {
    return invalid("not a domain and selector to sign with: " + identity.domain + ", " +
                   identity.selector);
  }
  return {};
}

}  // namespace ecrelay::dkim

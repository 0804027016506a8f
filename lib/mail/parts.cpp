#include "mail/parts.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/text.h"
#include "mail/charset.h"
#include "mail/transfer.h"

namespace ecrelay::mail {
namespace {

constexpr std::size_t most_bytes = 1U << 20;
constexpr std::size_t most_of_a_part = 256U << 10;
constexpr std::size_t most_fields = 1000;
constexpr std::size_t most_parts = 64;
constexpr int deepest = 8;

std::string with_plain_line_ends(std::string_view bytes) {
  std::string result;
  result.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (bytes[at] != '\r') {
      result += bytes[at];
      continue;
    }
    result += '\n';
    if (at + 1 < bytes.size() && bytes[at + 1] == '\n') ++at;
  }
  return result;
}

std::string_view next_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

/// Length of the field name at the beginning of a line, 0 when there is none.
std::size_t name_length(std::string_view line) {
  std::size_t at = 0;
  while (at < line.size() && (text::is_alnum(line[at]) || line[at] == '-' || line[at] == '_')) ++at;
  std::size_t colon = at;
  while (colon < line.size() && line[colon] == ' ') ++colon;
  return colon < line.size() && line[colon] == ':' ? at : 0;
}

/// `attribute=value` or `attribute="value"` behind the type; "" without.
std::string parameter(std::string_view value, std::string_view attribute) {
  const std::string folded = text::lowered(value);
  for (auto at = folded.find(attribute); at != std::string::npos;
       at = folded.find(attribute, at + 1)) {
    auto rest = std::string_view(value).substr(at + attribute.size());
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    const bool begins = at > 0 && !text::is_alnum(folded[at - 1]) && folded[at - 1] != '-';
    if (!begins || !rest.starts_with('=')) continue;
    rest = text::trimmed(rest.substr(1));
    if (rest.starts_with('"')) return std::string(rest.substr(1, rest.find('"', 1) - 1));
    return std::string(rest.substr(0, rest.find_first_of("; \t")));
  }
  return {};
}

std::string type_in(std::string_view value) {
  const std::string_view type = text::trimmed(value.substr(0, value.find(';')));
  return text::lowered(type.substr(0, type.find_first_of(" \t")));
}

/// Header and body of an entity. What begins with an empty line has no header.
struct Entity {
  std::string_view header;
  std::string_view body;
};

Entity entity_of(std::string_view text) {
  if (text.starts_with('\n')) return {{}, text.substr(1)};
  const auto end = text.find("\n\n");
  if (end == std::string_view::npos) return {text, {}};
  return {text.substr(0, end + 1), text.substr(end + 2)};
}

/// The pieces between the delimiter lines; none when there is no delimiter.
std::vector<std::string_view> pieces(std::string_view body, const std::string& boundary) {
  const std::string delimiter = "--" + boundary;
  std::vector<std::string_view> result;
  std::optional<std::size_t> begin;
  std::string_view rest = body;
  while (!rest.empty()) {
    const std::size_t at = body.size() - rest.size();
    const std::string_view line = next_line(rest);
    if (!line.starts_with(delimiter)) continue;
    const std::string_view behind = text::trimmed(line.substr(delimiter.size()));
    if (!behind.empty() && behind != "--") continue;
    if (begin) result.push_back(body.substr(*begin, at - *begin));
    begin.reset();
    if (behind == "--" || result.size() >= most_parts) return result;
    begin = body.size() - rest.size();
  }
  // Without a closing delimiter the last piece goes to the end: the returned mail was cut off.
  if (begin) result.push_back(body.substr(*begin));
  return result;
}

/// Mail without a label: ISO-2022-JP shows by its escapes, and what is UTF-8 is meant so.
std::string decoded(std::string_view charset, std::string bytes) {
  // Text of another charset is UTF-8 by chance hardly ever; labels are wrong often.
  if (!text::is_ascii(bytes) && text::is_utf8(bytes)) return bytes;
  if (is_known_charset(charset)) return to_utf8(charset, bytes);
  if (bytes.find("\x1b$") != std::string::npos) return to_utf8("iso-2022-jp", bytes);
  if (text::is_utf8(bytes)) return bytes;
  return to_utf8("windows-1252", bytes);
}

/// The delimiter that a body shows where its header names none: "--x" above a part's own header. A
/// header of another message before it says that those parts are not this one's.
std::string shown_boundary(std::string_view body) {
  std::string_view before;
  for (std::string_view rest = body; !rest.empty();) {
    const std::string_view line = next_line(rest);
    if (text::istarts_with(line, "received:") || text::istarts_with(line, "return-path:") ||
        text::istarts_with(line, "delivered-to:"))
      return {};
    if (text::istarts_with(line, "content-") && before.starts_with("--") && before.size() > 2)
      return std::string(before.substr(2));
    before = line;
  }
  return {};
}

bool has(const std::vector<LooseField>& fields, std::string_view name) {
  return std::any_of(fields.begin(), fields.end(),
                     [&](const LooseField& field) { return field.name == name; });
}

class Taking {
 public:
  explicit Taking(MailParts& into) : into_(into) {}

  void take(std::string_view text, int depth) {
    const Entity entity = entity_of(text);
    std::vector<LooseField> header = loose_fields(entity.header);
    const std::string content_type(value_of(header, "content-type"));
    std::string type = type_in(content_type);
    if (type.empty()) type = "text/plain";
    // Some return the message without a label: its own header is then the part's.
    if (depth > 0 && !has(header, "content-type") &&
        (has(header, "received") || has(header, "return-path") || has(header, "message-id"))) {
      return keep("message/rfc822", text);
    }
    const auto named = parameter(content_type, "boundary");
    if ((type.starts_with("multipart/") || (!named.empty() && !type.starts_with("text/"))) &&
        depth < deepest) {
      auto children = pieces(entity.body, named);
      if (children.empty()) children = pieces(entity.body, shown_boundary(entity.body));
      if (depth == 0) into_.header = std::move(header);
      if (children.empty()) return keep("text/plain", entity.body);
      for (const std::string_view child : children) take(child, depth + 1);
      return;
    }
    keep_leaf(type, parameter(content_type, "charset"),
              value_of(header, "content-transfer-encoding"), entity.body);
    if (depth == 0) into_.header = std::move(header);
  }

 private:
  void keep_leaf(const std::string& type, std::string_view charset, std::string_view encoding,
                 std::string_view body) {
    Part part{type, {}};
    // Parts encoded against RFC 2046 5.2.1 are seen, and mean what they say.
    std::string bytes = transfer_decoded(encoding, body.substr(0, most_of_a_part));
    part.body =
        part.is_original() ? std::move(bytes) : decoded(charset, with_plain_line_ends(bytes));
    add(std::move(part));
  }

  void keep(std::string type, std::string_view body) {
    add(Part{std::move(type), decoded({}, std::string(body.substr(0, most_of_a_part)))});
  }

  void add(Part part) {
    if (into_.parts.size() < most_parts) into_.parts.push_back(std::move(part));
  }

  MailParts& into_;
};

}  // namespace

std::vector<LooseField> loose_fields(std::string_view section) {
  std::vector<LooseField> fields;
  bool continues = false;
  while (!section.empty() && fields.size() < most_fields) {
    const std::string_view line = next_line(section);
    if (continues && (line.starts_with(' ') || line.starts_with('\t'))) {
      fields.back().value += ' ' + std::string(text::trimmed(line));
      continue;
    }
    const std::size_t name = name_length(line);
    continues = name > 0;
    if (!continues) continue;
    const std::string_view value = line.substr(line.find(':') + 1);
    fields.push_back({text::lowered(line.substr(0, name)), std::string(text::trimmed(value))});
  }
  return fields;
}

std::string_view value_of(const std::vector<LooseField>& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const LooseField& field) { return field.name == name; });
  return found == fields.end() ? std::string_view() : std::string_view(found->value);
}

bool Part::is_original() const {
  static constexpr std::array<std::string_view, 6> types = {
      "message/rfc822", "text/rfc822-headers",    "text/rfc822-header",
      "message/global", "message/global-headers", "message/partial"};
  return std::find(types.begin(), types.end(), type) != types.end();
}

MailParts take_apart(std::string_view bytes) {
  const std::string text = with_plain_line_ends(bytes.substr(0, most_bytes));
  MailParts result;
  // Empty lines in front of the header are the transport's, not the mail's.
  const auto begin = text.find_first_not_of('\n');
  if (begin != std::string::npos) Taking(result).take(std::string_view(text).substr(begin), 0);
  return result;
}

}  // namespace ecrelay::mail

#include "dns/tags.h"

#include <algorithm>

#include "core/escape.h"
#include "core/text.h"

namespace ecrelay::dns {
namespace {

/// Standards know of about a dozen. Each is compared with all before it, on the network thread.
constexpr std::size_t most_tags = 100;

}  // namespace

Result<Tags> Tags::parse(std::string_view record) {
  Tags tags;
  std::vector<std::string_view> pieces = text::split(record, ';');
  if (text::trimmed(pieces.back()).empty()) pieces.pop_back();  // one ";" at the end is allowed
  if (pieces.size() > most_tags) return invalid("more than 100 tags");
  for (const std::string_view piece : pieces) {
    const auto equals = piece.find('=');
    const std::string name(text::trimmed(piece.substr(0, equals)));
    if (equals == std::string_view::npos || name.empty()) {
      return invalid("'" + printable(text::trimmed(piece), 64) + "' is not TAG=VALUE");
    }
    if (tags.find(name) != nullptr) return invalid("the tag " + printable(name, 64) + " twice");
    tags.tags_.push_back(Tag{name, std::string(text::trimmed(piece.substr(equals + 1)))});
  }
  return tags;
}

const std::string* Tags::find(std::string_view name) const {
  const auto found =
      std::find_if(tags_.begin(), tags_.end(), [&](const Tag& tag) { return tag.name == name; });
  return found == tags_.end() ? nullptr : &found->value;
}

bool begins_with_version(std::string_view record, std::string_view version) {
  std::string begin;
  for (const char c : record.substr(0, record.find(';'))) {
    if (c != ' ' && c != '\t') begin += c;
  }
  return text::iequals(begin, version);
}

}  // namespace ecrelay::dns

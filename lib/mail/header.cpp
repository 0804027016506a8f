#include "mail/header.h"

#include <algorithm>

#include "core/text.h"

namespace ecrelay::mail {
namespace {

/// The line at the front of `text` with its CRLF; all of it when there is no CRLF.
std::string_view first_line(std::string_view text) {
  const auto end = text.find("\r\n");
  return end == text.npos ? text : text.substr(0, end + 2);
}

bool is_folded(std::string_view line) { return line.starts_with(' ') || line.starts_with('\t'); }

/// The line at the front of `text` with the lines that continue it.
std::string_view first_block(std::string_view text) {
  std::size_t length = first_line(text).size();
  while (is_folded(text.substr(length))) length += first_line(text.substr(length)).size();
  return text.substr(0, length);
}

/// Length of the field name that a line begins with, or 0 when it begins no field.
std::size_t name_length(std::string_view line) {
  const auto end = std::find_if_not(line.begin(), line.end(),
                                    [](char c) { return c > ' ' && c < 0x7f && c != ':'; });
  if (end == line.end() || *end != ':') return 0;
  return static_cast<std::size_t>(end - line.begin());
}

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with("\r\n")) line.remove_suffix(2);
  return line;
}

}  // namespace

bool Field::is(std::string_view other) const { return text::iequals(name, other); }

Result<HeaderSection> HeaderSection::scan(std::string_view message, const HeaderLimits& limits) {
  HeaderSection section;
  // Two more for the empty line; beyond them nothing is looked at.
  std::string_view rest = message.substr(0, limits.bytes + 2);
  while (!rest.empty() && !rest.starts_with("\r\n")) {
    if (section.fields_.size() + section.stray_lines_.size() == limits.fields) {
      return refused("header has more than " + std::to_string(limits.fields) + " fields");
    }
    const std::string_view block = first_block(rest);
    section.add(block, name_length(block));
    rest.remove_prefix(block.size());
    section.body_offset_ += block.size();
  }
  section.has_empty_line_ = !rest.empty();
  if (!section.has_empty_line_ && message.size() > limits.bytes) {
    return refused("header is longer than " + std::to_string(limits.bytes) + " bytes");
  }
  if (section.has_empty_line_) section.body_offset_ += 2;
  section.body_ = message.substr(section.body_offset_);
  return section;
}

void HeaderSection::add(std::string_view block, std::size_t name) {
  if (name == 0) {
    stray_lines_.push_back(block);
  } else {
    fields_.push_back({block.substr(0, name), block, without_line_end(block.substr(name + 1))});
  }
}

const Field* HeaderSection::find(std::string_view name) const {
  const auto found = std::find_if(fields_.begin(), fields_.end(),
                                  [name](const Field& field) { return field.is(name); });
  return found == fields_.end() ? nullptr : &*found;
}

std::size_t HeaderSection::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      fields_.begin(), fields_.end(), [name](const Field& field) { return field.is(name); }));
}

std::string unfolded(std::string_view value) {
  std::string line;
  line.reserve(value.size());
  for (std::size_t at = 0; at < value.size();) {
    const auto end = value.find("\r\n", at);
    line += value.substr(at, end - at);
    at = end == value.npos ? value.size() : end + 2;
  }
  return std::string(text::trimmed(line));
}

}  // namespace ecrelay::mail

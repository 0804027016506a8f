#include "config/reference.h"

#include "core/text.h"

namespace ecrelay::config {
namespace {

constexpr std::size_t width = 100;
constexpr std::string_view indent = "    ";

/// Words of `text` in lines of at most `width` columns (bytes; the texts are English).
void append_wrapped(std::string& out, std::string_view text) {
  std::size_t column = 0;
  for (const std::string_view word : text::split(text, ' ')) {
    if (column != 0 && column + 1 + word.size() > width) {
      out += '\n';
      column = 0;
    }
    out += column == 0 ? indent : " ";
    column += (column == 0 ? indent.size() : 1) + word.size();
    out += word;
  }
  out += '\n';
}

}  // namespace

std::string value_line(const ReferenceEntry& entry) {
  std::string line = "Value: " + entry.type + ".";
  if (entry.default_value == "required") return line + " Required.";
  if (!entry.default_value.empty()) line += " Default: " + entry.default_value + ".";
  return line;
}

std::string reference() {
  std::string out;
  for (const ReferenceEntry& entry : reference_entries()) {
    out += entry.path + "\n";
    append_wrapped(out, entry.text);
    append_wrapped(out, value_line(entry));
  }
  return out;
}

}  // namespace ecrelay::config

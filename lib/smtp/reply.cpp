#include "smtp/reply.h"

#include <algorithm>
#include <utility>

#include "core/text.h"

namespace ecrelay::smtp {
namespace {

constexpr std::size_t max_wire_line = 512;  // RFC 5321 4.5.3.1.5, with CRLF

char printable_ascii(char c) { return c >= 0x20 && c < 0x7f ? c : '?'; }

}  // namespace

Reply::Reply(int reply_code, std::string enhanced_code, std::string lines)
    : code(reply_code), enhanced(std::move(enhanced_code)), text(std::move(lines)) {}

std::string Reply::wire() const {
  auto lines = text::split(text, '\n');
  if (lines.size() > ReplyParser::max_lines) lines.resize(ReplyParser::max_lines);
  std::string bytes;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::string line = std::to_string(code) + (i + 1 < lines.size() ? '-' : ' ');
    // RFC 2034 4: the enhanced code stands in every line.
    if (!enhanced.empty()) line.append(enhanced).append(" ");
    line.append(lines[i]);
    line.resize(std::min(line.size(), max_wire_line - 2));
    std::transform(line.begin(), line.end(), line.begin(), printable_ascii);
    bytes.append(line).append("\r\n");
  }
  return bytes;
}

std::string Reply::line() const {
  std::string joined = std::to_string(code);
  if (!enhanced.empty()) joined.append(" ").append(enhanced);
  if (!text.empty()) joined.append(" ").append(text);
  std::replace(joined.begin(), joined.end(), '\n', ' ');
  return joined;
}

}  // namespace ecrelay::smtp

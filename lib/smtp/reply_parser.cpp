#include <utility>

#include "core/text.h"
#include "smtp/reply.h"

namespace ecrelay::smtp {
namespace {

/// Length of the enhanced status code (RFC 3463 2) that `text` begins with, or 0.
std::size_t enhanced_length(std::string_view text) {
  if (text.size() < 5 || (text[0] != '2' && text[0] != '4' && text[0] != '5')) return 0;
  std::size_t at = 1;
  for (int part = 0; part < 2; ++part) {
    if (at == text.size() || text[at] != '.') return 0;
    const std::size_t start = ++at;
    while (at < text.size() && text::is_digit(text[at])) ++at;
    if (at == start || at - start > 3) return 0;
  }
  return at == text.size() || text[at] == ' ' ? at : 0;
}

/// The reply code, or 0 when the line does not begin with one.
int code_of(std::string_view line) {
  if (line.size() < 3 || line[0] < '2' || line[0] > '5') return 0;
  if (!text::is_digit(line[1]) || !text::is_digit(line[2])) return 0;
  if (line.size() > 3 && line[3] != ' ' && line[3] != '-') return 0;
  return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

}  // namespace

void ReplyParser::receive(std::string_view bytes) {
  if (failure_) return;
  buffer_.erase(0, start_);
  scanned_ -= start_;
  start_ = 0;
  buffer_.append(bytes);
}

Result<std::optional<Reply>> ReplyParser::next() {
  if (failure_) return *failure_;
  for (;;) {
    const auto line = next_line();
    if (!line) return line.error();
    if (!*line) return std::optional<Reply>();
    const auto last = take_line(**line);
    if (!last) return last.error();
    if (*last) break;
  }
  lines_ = 0;
  size_ = 0;
  return std::optional<Reply>(std::exchange(reply_, Reply()));
}

Result<std::optional<std::string_view>> ReplyParser::next_line() {
  const auto end = buffer_.find('\n', scanned_);
  scanned_ = end == std::string::npos ? buffer_.size() : end + 1;
  if (scanned_ - start_ > max_line) return fail("line over 4 KiB");
  if (end == std::string::npos) return std::optional<std::string_view>();
  std::string_view line(buffer_.data() + start_, end - start_);
  start_ = scanned_;
  if (!line.ends_with('\r')) return fail("line ends in a bare LF");
  line.remove_suffix(1);
  if (line.find_first_of(std::string_view("\r\0", 2)) != line.npos) return fail("bare CR or NUL");
  return std::optional<std::string_view>(line);
}

Result<bool> ReplyParser::take_line(std::string_view line) {
  const int code = code_of(line);
  if (code == 0) return fail("line without a reply code");
  if (lines_ > 0 && code != reply_.code) return fail("codes differ between the lines of a reply");
  if (++lines_ > max_lines) return fail("reply over 128 lines");
  if ((size_ += line.size() + 2) > max_reply) return fail("reply over 64 KiB");
  const bool last = line.size() == 3 || line[3] == ' ';
  line.remove_prefix(std::min<std::size_t>(line.size(), 4));

  const std::size_t enhanced = enhanced_length(line);
  const bool first = lines_ == 1;
  if (first) reply_.code = code;
  if (first) reply_.enhanced = line.substr(0, enhanced);
  // Servers differ in repeating it; shown once, it is always beside the text.
  if (enhanced > 0 && line.substr(0, enhanced) == reply_.enhanced) {
    line.remove_prefix(std::min(line.size(), enhanced + 1));
  }
  if (!first) reply_.text += '\n';
  reply_.text += line;
  return last;
}

Error ReplyParser::fail(const char* why) {
  failure_ = invalid(why);
  return *failure_;
}

}  // namespace ecrelay::smtp

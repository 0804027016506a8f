#include "smtp/dot_stuffer.h"

namespace ecrelay::smtp {

std::size_t DotStuffer::next(std::span<std::string_view> pieces) {
  std::size_t count = 0;
  while (count < pieces.size() && !ended_) pieces[count++] = next_piece();
  return count;
}

std::string_view DotStuffer::next_piece() {
  while (index_ < body_.size() && offset_ == body_[index_].size()) {
    ++index_;
    offset_ = 0;
  }
  if (index_ == body_.size()) {
    ended_ = true;
    return tail_ == Tail::line_end ? ".\r\n" : "\r\n.\r\n";
  }
  const std::string_view rest = body_[index_].substr(offset_);
  if (tail_ == Tail::line_end && rest.front() == '.' && !dot_given_) {
    dot_given_ = true;
    return ".";
  }
  dot_given_ = false;
  const std::string_view run = next_run(rest);
  offset_ += run.size();
  if (run.ends_with("\r\n") || (run == "\n" && tail_ == Tail::cr)) {
    tail_ = Tail::line_end;
  } else {
    tail_ = run.ends_with('\r') ? Tail::cr : Tail::other;
  }
  return run;
}

/// `rest` up to the next line that begins with a dot.
std::string_view DotStuffer::next_run(std::string_view rest) {
  if (tail_ == Tail::cr && rest.starts_with("\n.")) return rest.substr(0, 1);
  const std::size_t found = rest.find("\r\n.");
  return found == rest.npos ? rest : rest.substr(0, found + 2);
}

}  // namespace ecrelay::smtp

#include "smtp/body_scanner.h"

#include <string.h>

namespace ecrelay::smtp {
namespace {

constexpr std::string_view end_of_data = ".\r\n";

}  // namespace

BodyScanner::Step BodyScanner::next_of_data(std::string_view input) {
  std::size_t from = 0;
  if (at_line_start_ && input.starts_with('.')) {
    if (input.starts_with(end_of_data)) return {end_of_data.size(), {}, true};
    if (end_of_data.starts_with(input)) return {};  // one byte more decides
    from = 1;
    at_line_start_ = false;
  }
  std::size_t to = from;
  while (to < input.size() && !(at_line_start_ && input[to] == '.')) {
    const std::string_view rest = input.substr(to);
    const std::size_t lf = rest.find('\n');
    check_line(rest.substr(0, lf), lf != rest.npos);
    to += lf == rest.npos ? rest.size() : lf + 1;
  }
  return content(input, from, to);
}

BodyScanner::Step BodyScanner::next_of_chunk(std::string_view input) {
  for (std::size_t at = 0; at < input.size();) {
    const std::string_view rest = input.substr(at);
    const std::size_t lf = rest.find('\n');
    check_line(rest.substr(0, lf), lf != rest.npos);
    at += lf == rest.npos ? rest.size() : lf + 1;
  }
  return content(input, 0, input.size());
}

BodyScanner::Step BodyScanner::content(std::string_view input, std::size_t from, std::size_t to) {
  const std::string_view bytes = input.substr(from, to - from);
  if (bytes.find('\0') != bytes.npos) note(BodyProblem::nul);
  octets_ += bytes.size();
  if (octets_ > max_octets_) note(BodyProblem::too_big);
  return {to, problem_ == BodyProblem::none ? bytes : std::string_view(), false};
}

void BodyScanner::check_line(std::string_view line, bool ended_by_lf) {
  // The CR before this piece is half of a line end only if the piece is nothing but the LF.
  bool proper_end = after_cr_ && line.empty();
  if (after_cr_ && !(line.empty() && ended_by_lf)) note(BodyProblem::bare_cr);
  line_length_ += line.size();
  after_cr_ = false;
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
    proper_end = ended_by_lf;
    after_cr_ = !ended_by_lf;
    --line_length_;
  }
  if (line.find('\r') != line.npos) note(BodyProblem::bare_cr);
  if (ended_by_lf && !proper_end) note(BodyProblem::bare_lf);
  if (line_length_ > max_line_) note(BodyProblem::line_too_long);
  at_line_start_ = ended_by_lf && proper_end;
  if (ended_by_lf) line_length_ = 0;
}

bool BodyScanner::complete_last_line() {
  if (after_cr_) note(BodyProblem::bare_cr);
  if (problem_ != BodyProblem::none || at_line_start_ || octets_ == 0) return false;
  at_line_start_ = true;
  octets_ += 2;
  if (octets_ > max_octets_) note(BodyProblem::too_big);
  return problem_ == BodyProblem::none;
}

void BodyScanner::note(BodyProblem problem) {
  if (problem_ == BodyProblem::none || problem < problem_) problem_ = problem;
}

}  // namespace ecrelay::smtp

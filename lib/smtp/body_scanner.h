#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ecrelay::smtp {

/// Why a body must not be accepted. Of several the first in this order counts, wherever each stood
/// and however the input was cut: those of SMTP smuggling first, for they end the session.
enum class BodyProblem { none, bare_cr, bare_lf, nul, line_too_long, too_big, too_many_chunks };

/// True for the problems after which the connection must be closed.
constexpr bool smuggles(BodyProblem problem) {
  return problem == BodyProblem::bare_cr || problem == BodyProblem::bare_lf ||
         problem == BodyProblem::nul;
}

/// Decodes one message body, whatever the pieces it comes in. Only CRLF.CRLF ends DATA; every
/// look-alike (LF.LF, CR.CRLF, CRLF.LF…) is content with a problem. The same rules hold for
/// BDAT, without dots. Views in, views out: memchr per line, no copy.
class BodyScanner {
 public:
  BodyScanner() = default;
  BodyScanner(std::uint64_t max_octets, std::size_t max_line)
      : max_octets_(max_octets), max_line_(max_line) {}

  struct Step {
    std::size_t consumed = 0;  ///< 0: more input is needed
    std::string_view content;  ///< within the input; empty after a problem
    bool ended = false;        ///< the end of DATA is among the consumed
  };
  /// The next run of DATA's lines. `input` starts with what was not consumed before.
  Step next_of_data(std::string_view input);
  /// Octets of a BDAT chunk; consumes all of `input`.
  Step next_of_chunk(std::string_view input);
  /// After the last chunk. True when the body lacks its last CRLF: it counts from now on, and
  /// the caller adds it, since DATA could not carry the message otherwise (RFC 3030 4.2).
  bool complete_last_line();

  /// Notes a problem seen by the caller.
  void note(BodyProblem problem);
  BodyProblem problem() const { return problem_; }
  /// Decoded octets so far, also after a problem.
  std::uint64_t octets() const { return octets_; }

 private:
  Step content(std::string_view input, std::size_t from, std::size_t to);
  void check_line(std::string_view line, bool ended_by_lf);

  std::uint64_t max_octets_ = 0;
  std::size_t max_line_ = 0;
  std::uint64_t octets_ = 0;
  std::size_t line_length_ = 0;
  bool at_line_start_ = true;  // after CRLF, and at the very start
  bool after_cr_ = false;      // a CR whose LF has not been seen yet
  BodyProblem problem_ = BodyProblem::none;
};

}  // namespace ecrelay::smtp

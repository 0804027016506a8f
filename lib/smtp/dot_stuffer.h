#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace ecrelay::smtp {

/// A message as DATA carries it (RFC 5321 4.5.2), without copying it: pieces that are views of
/// the original, the inserted dots, and the end ("\r\n" where the body lacks it, ".\r\n").
/// The body's lines end in CRLF, also across its views; nothing else is looked at.
/// Cost: one memchr pass over the body.
class DotStuffer {
 public:
  DotStuffer() = default;
  explicit DotStuffer(std::vector<std::string_view> body) : body_(std::move(body)) {}

  /// Fills `pieces` from the front and says how many there are; 0 when all has been given. None
  /// is empty. Memory is the caller's array, whatever the body.
  std::size_t next(std::span<std::string_view> pieces);
  /// The last piece has been given.
  bool ended() const { return ended_; }

 private:
  enum class Tail { line_end, cr, other };  // what the pieces so far end in; line_end at first

  std::string_view next_piece();
  std::string_view next_run(std::string_view rest);

  std::vector<std::string_view> body_;
  std::size_t index_ = 0;
  std::size_t offset_ = 0;
  Tail tail_ = Tail::line_end;
  bool dot_given_ = false;
  bool ended_ = false;
};

}  // namespace ecrelay::smtp

#include <algorithm>
#include <utility>

#include "core/text.h"
#include "smtp/command.h"
#include "smtp/server_protocol.h"

/// The machine inside DATA and BDAT.
namespace ecrelay::smtp {

Reply refusal_of(BodyProblem problem) {
  switch (problem) {
    case BodyProblem::bare_cr:
      return Reply(554, "5.6.0", "bare CR in the message");
    case BodyProblem::bare_lf:
      return Reply(554, "5.6.0", "bare LF in the message");
    case BodyProblem::nul:
      return Reply(554, "5.6.0", "NUL in the message");
    case BodyProblem::line_too_long:
      return Reply(554, "5.6.0", "line too long in the message");
    case BodyProblem::too_many_chunks:
      return Reply(554, "5.6.0", "too many chunks");
    default:
      return Reply(552, "5.3.4", "message too big");
  }
}

bool ServerProtocol::step_data() {
  const BodyScanner::Step step = scanner_.next_of_data(input_.view());
  shown_ = step.consumed;
  if (!step.content.empty()) event_ = BodyPart{step.content};
  if (step.ended) {
    ask(Asked::body_end, BodyEnd{.octets = scanner_.octets(), .problem = scanner_.problem()});
  }
  if (!event_) forget_part();
  return step.consumed > 0;
}

/// "BDAT size [LAST]" (RFC 3030 2).
void ServerProtocol::on_bdat(std::string_view arguments) {
  const std::size_t space = arguments.find(' ');
  const auto size = text::number(arguments.substr(0, space));
  const std::string_view rest =
      space == arguments.npos ? "" : text::trimmed(arguments.substr(space));
  if (!size || (!rest.empty() && !text::iequals(rest, "LAST"))) {
    // Where the chunk ends is unknown, and its octets must not be read as commands.
    send(Reply(501, "5.5.4", "BDAT needs a size"));
    return close("BDAT without a size");
  }
  chunk_left_ = *size;
  last_chunk_ = !rest.empty();
  const bool legal = capabilities_.chunking && after(state_, verb_);
  // Not an error by itself: behind a refused RCPT or BDAT a client may have pipelined many.
  if (!legal && ++idle_commands_ > limits_.idle_commands && count_error()) return;
  if (!capabilities_.chunking) return skip_chunk(Reply(502, "5.5.1", "BDAT is not offered"));
  if (!after(state_, verb_)) return skip_chunk(out_of_order(state_, verb_));
  if (++chunks_ == 1) return ask(Asked::data, DataStart{.chunked = true});
  if (chunks_ > limits_.chunks) scanner_.note(BodyProblem::too_many_chunks);
  state_ = *after(state_, verb_);
}

void ServerProtocol::skip_chunk(Reply said_after) {
  after_skip_ = state_;
  skip_reply_ = std::move(said_after);
  state_ = State::skip;
}

bool ServerProtocol::step_skip() {
  const auto count = std::min<std::uint64_t>(chunk_left_, input_.size());
  chunk_left_ -= count;
  input_.consume(static_cast<std::size_t>(count));
  if (chunk_left_ > 0) return false;
  state_ = after_skip_;
  send(skip_reply_);
  return true;
}

bool ServerProtocol::step_chunk() {
  if (chunk_left_ == 0) {
    end_chunk();
    return true;
  }
  const std::string_view input = input_.view();
  const auto count = std::min<std::uint64_t>(chunk_left_, input.size());
  const auto step = scanner_.next_of_chunk(input.substr(0, static_cast<std::size_t>(count)));
  shown_ = step.consumed;
  chunk_left_ -= step.consumed;
  if (!step.content.empty()) event_ = BodyPart{step.content};
  if (!event_) forget_part();
  return step.consumed > 0;
}

void ServerProtocol::end_chunk() {
  if (last_chunk_ && scanner_.complete_last_line()) {
    event_ = BodyPart{"\r\n"};
    return;
  }
  if (last_chunk_ || scanner_.problem() != BodyProblem::none) {
    return ask(Asked::body_end,
               BodyEnd{.octets = scanner_.octets(), .problem = scanner_.problem()});
  }
  state_ = State::chunks;
  send(Reply(250, "2.0.0", "chunk received"));
}

}  // namespace ecrelay::smtp

#include <string>
#include <string_view>
#include <vector>

#include "smtp/reply.h"
#include "target.h"

/// Replies are read the same whole and byte by byte, and what is written of one is one again.
namespace ecrelay::smtp {
namespace {

struct Read {
  std::vector<Reply> replies;
  bool failed = false;
};

Read read(std::string_view input, std::size_t step) {
  ReplyParser parser;
  Read result;
  for (; !input.empty(); input.remove_prefix(std::min(step, input.size()))) {
    parser.receive(input.substr(0, step));
    for (;;) {
      auto reply = parser.next();
      result.failed = !reply;
      if (!reply || !*reply) break;
      result.replies.push_back(std::move(**reply));
    }
  }
  return result;
}

void check(const Reply& reply) {
  fuzz::require(reply.code >= 200 && reply.code <= 599, "a code of SMTP");
  fuzz::require(reply.text.size() <= ReplyParser::max_reply, "within its limit");
  fuzz::require(reply.text.find('\0') == std::string::npos, "no NUL");
  const Read again = read(reply.wire(), 1000);
  fuzz::require(!again.failed && again.replies.size() == 1, "what is written is one reply");
  fuzz::require(again.replies[0].code == reply.code, "with its code");
}

}  // namespace
}  // namespace ecrelay::smtp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ecrelay;
  const std::string_view input = fuzz::text_of(data, size);
  const smtp::Read whole = smtp::read(input, input.size());
  const smtp::Read bytes = smtp::read(input, 1);
  fuzz::require(whole.failed == bytes.failed, "refused the same however it is cut");
  fuzz::require(whole.replies == bytes.replies, "the same replies however they are cut");
  for (const smtp::Reply& reply : whole.replies) smtp::check(reply);
  return 0;
}

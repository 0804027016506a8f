#include <string>
#include <string_view>
#include <utility>

#include "target.h"
#include "unit/smtp/test_session.h"

/// The server's machine hears anything: it means the same whole and byte by byte, answers in
/// well-formed lines that echo nothing, and no mail comes out of it that was not in order.
namespace ecrelay::smtp {
namespace {

using fuzz::require;

Capabilities offered_by(unsigned choice) {
  Capabilities offered = TestSession::offered();
  offered.starttls = (choice & 1U) != 0;
  if ((choice & 2U) != 0) offered.auth.clear();
  offered.chunking = (choice & 4U) == 0;
  offered.size = (choice & 8U) != 0 ? 100 : 10'000'000;
  return offered;
}

Limits limits_by(unsigned choice) {
  Limits limits;
  if ((choice & 16U) != 0) {
    limits.recipients = 2;
    limits.chunks = 3;
    limits.body_line = 40;
  }
  if ((choice & 32U) != 0) limits.command_line = 64;
  return limits;
}

void refuse_some(TestSession& session, unsigned choice) {
  if ((choice & 64U) != 0) session.refuse["rcpt"] = Reply(550, "5.1.1", "no");
  if ((choice & 128U) != 0) session.refuse["end"] = Reply(451, "4.3.0", "not stored");
}

void check_output(std::string_view output) {
  while (!output.empty()) {
    const std::size_t end = output.find("\r\n");
    require(end != output.npos && end + 2 <= 512, "a reply line ends, within 512 octets");
    const std::string_view line = output.substr(0, end);
    require(
        line.size() >= 4 && line[0] >= '2' && line[0] <= '5' && (line[3] == ' ' || line[3] == '-'),
        "a reply line has a code");
    for (const char c : line) require(c >= ' ' && c <= '~', "replies are printable ASCII");
    output.remove_prefix(end + 2);
  }
}

void check_order(const TestSession& session) {
  bool mail = false;
  bool rcpt = false;
  bool data = false;
  for (const std::string& event : session.events) {
    if (event == "mail") mail = true;
    if (event == "rcpt") {
      require(mail, "RCPT only after MAIL");
      rcpt = session.refuse.count("rcpt") == 0;
    }
    if (event == "data" || event == "bdat") {
      require(rcpt, "a body only for an accepted recipient");
      data = true;
    }
    if (event == "end") require(std::exchange(data, false), "an end only of a body");
    if (event == "end" || event == "hello" || event == "reset" || event == "starttls") {
      mail = rcpt = false;
    }
  }
}

TestSession hear(std::string_view input, unsigned choice, std::size_t step) {
  TestSession session(offered_by(choice), limits_by(choice));
  refuse_some(session, choice);
  session.feed(input, step);
  check_output(session.output);
  check_order(session);
  if (session.ended && session.ended->problem == BodyProblem::none) {
    require(session.body.find('\0') == std::string::npos, "no NUL in a body that is accepted");
  }
  return session;
}

}  // namespace
}  // namespace ecrelay::smtp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ecrelay;
  std::string_view input = fuzz::text_of(data, size);
  const unsigned choice = fuzz::take_byte(input);
  const auto whole = smtp::hear(input, choice, smtp::ServerProtocol::max_read);
  const auto bytes = smtp::hear(input, choice, 1);
  // Behind STARTTLS it is the cut that tells plaintext from a handshake.
  if ((choice & 1U) != 0) return 0;
  fuzz::require(whole.events == bytes.events, "the same events however it is cut");
  fuzz::require(whole.output == bytes.output, "the same replies however it is cut");
  const bool taken = !whole.events.empty() && whole.events.back() == "end" &&
                     whole.ended->problem == smtp::BodyProblem::none;
  fuzz::require(!taken || whole.body == bytes.body, "the same body however it is cut");
  fuzz::require(whole.closed_for == bytes.closed_for, "the same end however it is cut");
  return 0;
}

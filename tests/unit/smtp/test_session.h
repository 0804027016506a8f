#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "smtp/server_protocol.h"

namespace ecrelay::smtp {

/// A session for the machine: answers each event with a 2xx (354 for DATA) unless told otherwise
/// and writes down what happened, in a form that does not depend on how the input was cut.
class TestSession {
 public:
  explicit TestSession(Capabilities capabilities = offered(), Limits limits = {})
      : protocol(std::move(capabilities), limits) {
    protocol.answer(Reply(220, "", "relay.test ESMTP"));
    output = protocol.take_output();
    output.clear();
  }

  static Capabilities offered() {
    Capabilities capabilities;
    capabilities.hostname = "relay.test";
    capabilities.starttls = true;
    capabilities.auth = {"PLAIN", "LOGIN"};
    capabilities.dsn = true;
    return capabilities;
  }

  /// Gives `input` in pieces of `step` octets, the first of `first` octets.
  void feed(std::string_view input, std::size_t step = ServerProtocol::max_read,
            std::size_t first = 0) {
    for (std::size_t size = first > 0 ? first : step; !input.empty(); size = step) {
      const std::string_view piece = input.substr(0, size);
      input.remove_prefix(piece.size());
      protocol.receive(piece);
      drain();
    }
  }

  void drain() {
    for (;;) {
      while (auto event = protocol.next_event()) on(*event);
      const std::string bytes = protocol.take_output();
      if (bytes.empty()) return;
      output += bytes;
    }
  }

  /// The events of one kind by name: refuse["rcpt"] = Reply(550, …).
  std::map<std::string, Reply> refuse;
  ServerProtocol protocol;
  std::vector<std::string> events;
  std::string output;
  std::string body;  // of the message now or last read
  std::optional<BodyEnd> ended;
  std::optional<MailFrom> mail;
  std::optional<RcptTo> rcpt;
  std::optional<Auth> auth;
  std::string closed_for;

  std::vector<int> codes() const {
    std::vector<int> found;
    for (std::size_t at = 0; at < output.size(); at = output.find("\r\n", at) + 2) {
      if (output[at + 3] == ' ') found.push_back(std::stoi(output.substr(at, 3)));
    }
    return found;
  }
  int last_code() const { return codes().empty() ? 0 : codes().back(); }

 private:
  void reply(const std::string& name, int code) {
    events.push_back(name);
    const auto refusal = refuse.find(name);
    protocol.answer(refusal == refuse.end() ? Reply(code, "", name + " ok") : refusal->second);
  }

  void on(Event& event) {
    if (auto* part = std::get_if<BodyPart>(&event)) body += part->bytes;
    if (std::holds_alternative<Hello>(event)) reply("hello", 250);
    if (std::holds_alternative<StartTls>(event)) reply("starttls", 220);
    if (std::holds_alternative<Reset>(event)) events.push_back("reset");
    if (std::holds_alternative<Quit>(event)) events.push_back("quit");
    if (auto* login = std::get_if<Auth>(&event)) {
      auth = *login;
      reply("auth", 235);
    }
    if (auto* from = std::get_if<MailFrom>(&event)) {
      mail = *from;
      reply("mail", 250);
    }
    if (auto* to = std::get_if<RcptTo>(&event)) {
      rcpt = *to;
      reply("rcpt", 250);
    }
    if (auto* start = std::get_if<DataStart>(&event)) {
      body.clear();
      reply(start->chunked ? "bdat" : "data", 354);
    }
    if (auto* end = std::get_if<BodyEnd>(&event)) {
      ended = *end;
      if (end->problem != BodyProblem::none) refuse["end"] = refusal_of(end->problem);
      reply("end", 250);
      if (end->problem != BodyProblem::none) refuse.erase("end");
    }
    if (auto* close = std::get_if<Close>(&event)) closed_for = close->reason;
  }
};

inline constexpr std::string_view hello = "EHLO client.test\r\n";
inline constexpr std::string_view envelope =
    "MAIL FROM:<a@shop.example>\r\nRCPT TO:<b@customer.example>\r\n";

/// Runs `check` on a session that has read `dialogue` whole, byte by byte, and in two pieces cut
/// at every place.
inline void for_every_cut(std::string_view dialogue, const std::function<void(TestSession&)>& check,
                          const Capabilities& capabilities = TestSession::offered(),
                          const Limits& limits = {}) {
  for (std::size_t first = 0; first <= dialogue.size(); ++first) {
    TestSession session(capabilities, limits);
    session.feed(dialogue, first == 0 ? 1 : ServerProtocol::max_read, first);
    check(session);
  }
}

}  // namespace ecrelay::smtp

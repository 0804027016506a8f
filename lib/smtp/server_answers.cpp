#include <stdexcept>
#include <utility>

#include "smtp/server_protocol.h"

/// What the session's answers do to the machine.
namespace ecrelay::smtp {

void ServerProtocol::answer(const Reply& reply) {
  const Asked asked = std::exchange(asked_, Asked::nothing);
  if (asked == Asked::nothing) throw std::logic_error("smtp: an answer without a question");
  if (reply.code == 421) return end(reply);
  switch (asked) {
    case Asked::hello:
      return answer_hello(reply);
    case Asked::starttls:
      return answer_starttls(reply);
    case Asked::auth:
      return answer_auth(reply);
    case Asked::mail:
    case Asked::rcpt:
      return answer_envelope(reply);
    case Asked::data:
      return answer_data(reply);
    case Asked::body_end:
      return answer_body_end(reply);
    default:
      break;  // the greeting
  }
  send(reply);
  if (!reply.positive()) state_ = State::closed;
}

void ServerProtocol::answer_hello(const Reply& reply) {
  if (!reply.positive()) return send(reply);
  forget_transaction();
  extended_ = verb_ == Verb::ehlo;
  state_ = *after(state_, verb_);
  send(Reply(250, "", extended_ ? capability_lines() : capabilities_.hostname));
}

std::string ServerProtocol::capability_lines() const {
  std::string lines = capabilities_.hostname;
  if (capabilities_.pipelining) lines += "\nPIPELINING";
  lines += "\nSIZE " + std::to_string(capabilities_.size);
  lines += "\n8BITMIME";
  if (capabilities_.smtputf8) lines += "\nSMTPUTF8";
  if (capabilities_.chunking) lines += "\nCHUNKING";
  lines += "\nENHANCEDSTATUSCODES";
  if (capabilities_.starttls) lines += "\nSTARTTLS";
  if (!capabilities_.auth.empty()) lines += "\nAUTH";
  for (const std::string& mechanism : capabilities_.auth) lines += ' ' + mechanism;
  if (capabilities_.dsn) lines += "\nDSN";
  return lines;
}

void ServerProtocol::answer_starttls(const Reply& reply) {
  // What came since the event was given was sent in clear behind STARTTLS as well.
  if (reply.positive() && input_.size() > 0) return close("plaintext behind STARTTLS");
  send(reply);
  if (reply.positive()) state_ = *after(state_, verb_);
}

void ServerProtocol::answer_auth(const Reply& reply) {
  send(reply);
  authenticated_ = reply.positive();
  if (reply.code == 535 && ++failed_logins_ >= limits_.failed_logins) {
    close("too many failed logins");
  }
}

void ServerProtocol::answer_envelope(const Reply& reply) {
  send(reply);
  if (!reply.positive()) return;
  if (verb_ == Verb::rcpt) ++recipients_;
  state_ = *after(state_, verb_);
}

void ServerProtocol::answer_data(const Reply& reply) {
  if (reply.intermediate()) {
    scanner_ = BodyScanner(capabilities_.size, limits_.body_line);
    state_ = *after(state_, verb_);
    if (verb_ == Verb::data) send(reply);
    return;
  }
  forget_transaction();
  state_ = State::ready;
  if (verb_ == Verb::data) return send(reply);
  skip_chunk(reply);
}

void ServerProtocol::answer_body_end(const Reply& reply) {
  forget_transaction();
  idle_commands_ = 0;
  state_ = State::ready;
  send(reply);
  if (smuggles(scanner_.problem())) close("bare CR, bare LF or NUL in a message");
}

}  // namespace ecrelay::smtp

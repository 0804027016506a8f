#include "smtp/server_protocol.h"

#include <stdexcept>
#include <utility>

#include "core/text.h"
#include "smtp/command.h"
#include "smtp/envelope.h"

namespace ecrelay::smtp {

ServerProtocol::ServerProtocol(Capabilities capabilities, Limits limits)
    : capabilities_(std::move(capabilities)), limits_(limits) {}

void ServerProtocol::receive(std::string_view bytes) {
  if (closing()) return;
  forget_part();
  input_.append(bytes);
  // After our 220 only the handshake may follow, and that is not read through here.
  if (awaits_tls()) close("plaintext behind STARTTLS");
}

std::optional<Event> ServerProtocol::next_event() {
  forget_part();
  while (!event_ && asked_ == Asked::nothing && !closing() && !awaits_tls() &&
         output_.size() < limits_.unsent_output && step()) {
  }
  if (input_.size() == 0 && !reading_body()) input_.release();
  return std::exchange(event_, {});
}

std::string ServerProtocol::take_output() { return std::exchange(output_, {}); }

bool ServerProtocol::reading_body() const {
  return state_ == State::data || state_ == State::chunk || state_ == State::chunks ||
         state_ == State::skip;
}

void ServerProtocol::end(const Reply& reply) {
  send(reply);
  asked_ = Asked::nothing;
  event_.reset();
  state_ = State::closed;
  shown_ = 0;
  input_.release();
}

void ServerProtocol::tls_started(Capabilities capabilities) {
  if (!awaits_tls()) throw std::logic_error("smtp: TLS began without STARTTLS");
  capabilities_ = std::move(capabilities);
  forget_transaction();
  extended_ = false;
  authenticated_ = false;
  state_ = State::fresh;
}

bool ServerProtocol::step() {
  switch (state_) {
    case State::data:
      return step_data();
    case State::chunk:
      return step_chunk();
    case State::skip:
      return step_skip();
    case State::auth:
      return step_auth();
    default:
      return step_command();
  }
}

std::optional<std::string_view> ServerProtocol::next_line() {
  const std::string_view input = input_.view();
  const bool auth = state_ == State::auth || text::istarts_with(input, "AUTH ");
  const std::size_t limit = auth ? limits_.auth_line : limits_.command_line;
  const std::size_t end = input.substr(0, limit).find("\r\n");
  if (end != input.npos) return input.substr(0, end);
  if (input.size() >= limit) {
    send(Reply(500, "5.5.2", "line too long"));
    close("command line over its limit");
  }
  return {};
}

bool ServerProtocol::step_command() {
  const auto line = next_line();
  if (!line) return false;
  shown_ = line->size() + 2;
  bool has_control = false;
  for (const char c : *line) has_control = has_control || text::is_control(c);
  if (has_control || line->empty()) {
    send_error(Reply(500, "5.5.2", "not a command"));
  } else {
    on_command(parse_command(*line));
  }
  forget_part();
  return true;
}

bool ServerProtocol::step_auth() {
  const auto line = next_line();
  if (!line) return false;
  shown_ = line->size() + 2;
  on_auth_step(sasl_.next(*line));
  forget_part();
  return true;
}

void ServerProtocol::on_command(const Command& command) {
  verb_ = command.verb;
  if (verb_ == Verb::http) return close("HTTP or PROXY spoken to an SMTP server");
  if (verb_ == Verb::unknown) return send_error(Reply(500, "5.5.1", "unknown command"));
  if (verb_ == Verb::bdat) return on_bdat(command.arguments);  // its octets follow in any state
  if (!after(state_, verb_)) return send_error(out_of_order(state_, verb_));
  if (takes_no_arguments(verb_) && !command.arguments.empty()) {
    return send_error(Reply(501, "5.5.4", "no arguments allowed"));
  }
  switch (verb_) {
    case Verb::helo:
    case Verb::ehlo:
      return on_hello(command);
    case Verb::starttls:
      return on_starttls();
    case Verb::auth:
      return on_auth(command.arguments);
    case Verb::mail:
      return on_mail(command.arguments);
    case Verb::rcpt:
      return on_rcpt(command.arguments);
    case Verb::data:
      return ask(Asked::data, DataStart{.chunked = false});
    default:
      return on_idle_command(verb_);
  }
}

void ServerProtocol::on_hello(const Command& command) {
  if (!is_client_name(command.arguments)) {
    return send_error(Reply(501, "5.5.4", "EHLO needs the client's name"));
  }
  if (++idle_commands_ > limits_.idle_commands && count_error()) return;
  Hello hello{.name = std::string(command.arguments), .extended = verb_ == Verb::ehlo};
  ask(Asked::hello, std::move(hello));
}

void ServerProtocol::on_starttls() {
  if (!capabilities_.starttls) return send_error(Reply(502, "5.5.1", "STARTTLS is not offered"));
  if (input_.size() > shown_) return close("plaintext behind STARTTLS");
  ask(Asked::starttls, StartTls());
}

void ServerProtocol::on_auth(std::string_view arguments) {
  if (!extended_ || authenticated_) return send_error(Reply(503, "5.5.1", "AUTH is out of order"));
  if (capabilities_.auth.empty() && capabilities_.starttls) {
    return send_error(Reply(530, "5.7.0", "STARTTLS first"));
  }
  if (capabilities_.auth.empty()) return send_error(Reply(502, "5.5.1", "AUTH is not offered"));
  on_auth_step(sasl_.start(arguments, capabilities_.auth));
}

void ServerProtocol::on_auth_step(SaslStep step) {
  state_ = State::ready;
  if (auto* login = std::get_if<Auth>(&step)) return ask(Asked::auth, std::move(*login));
  const auto& reply = std::get<Reply>(step);
  if (!reply.intermediate()) return send_error(reply);
  state_ = State::auth;
  send(reply);
}

void ServerProtocol::on_mail(std::string_view arguments) {
  // Refused senders without end are no dialogue either.
  if (++idle_commands_ > limits_.idle_commands && count_error()) return;
  auto parsed = parse_mail(arguments, capabilities_);
  if (auto* mail = std::get_if<MailFrom>(&parsed)) {
    smtputf8_ = mail->smtputf8;
    return ask(Asked::mail, std::move(*mail));
  }
  const auto& refusal = std::get<Reply>(parsed);
  if (refusal.code == 552) return send(refusal);  // too big is no protocol error
  send_error(refusal);
}

void ServerProtocol::on_rcpt(std::string_view arguments) {
  if (++asked_recipients_ > 2 * limits_.recipients && count_error()) return;
  if (recipients_ >= limits_.recipients) return send(Reply(452, "4.5.3", "too many recipients"));
  auto parsed = parse_rcpt(arguments, capabilities_, smtputf8_);
  if (auto* rcpt = std::get_if<RcptTo>(&parsed)) return ask(Asked::rcpt, std::move(*rcpt));
  send_error(std::get<Reply>(parsed));
}

void ServerProtocol::on_idle_command(Verb verb) {
  if (++idle_commands_ > limits_.idle_commands && count_error()) return;
  const State next = *after(state_, verb);
  if (verb == Verb::rset || verb == Verb::quit) forget_transaction();
  state_ = next;
  switch (verb) {
    case Verb::rset:
      event_ = Reset();
      return send(Reply(250, "2.0.0", "forgotten"));
    case Verb::quit:
      event_ = Quit();
      return send(Reply(221, "2.0.0", "goodbye"));
    case Verb::vrfy:
      return send(Reply(252, "2.0.0", "send mail, and we shall try"));
    case Verb::expn:
      return send(Reply(502, "5.5.1", "EXPN is not offered"));
    case Verb::help:
      return send(Reply(214, "2.0.0", "see RFC 5321"));
    default:
      return send(Reply(250, "2.0.0", "ok"));
  }
}

void ServerProtocol::ask(Asked what, Event event) {
  asked_ = what;
  event_ = std::move(event);
}

void ServerProtocol::send(const Reply& reply) { output_ += reply.wire(); }

void ServerProtocol::send_error(const Reply& reply) {
  if (!count_error()) send(reply);
}

bool ServerProtocol::count_error() {
  if (++errors_ < limits_.errors) return false;
  send(Reply(421, "4.7.0", "too many errors"));
  close("too many protocol errors");
  return true;
}

void ServerProtocol::close(std::string_view reason) {
  state_ = State::closed;
  asked_ = Asked::nothing;
  event_ = Close{reason};
  shown_ = 0;
  input_.release();
}

void ServerProtocol::forget_transaction() {
  smtputf8_ = false;
  recipients_ = 0;
  asked_recipients_ = 0;
  chunks_ = 0;
}

void ServerProtocol::forget_part() { input_.consume(std::exchange(shown_, 0)); }

}  // namespace ecrelay::smtp

#include "smtp/client_protocol.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "core/base64.h"
#include "core/text.h"

namespace ecrelay::smtp {
namespace {

Stage stage_of(Due due) {
  switch (due) {
    case Due::greeting:
      return Stage::greeting;
    case Due::ehlo:
    case Due::helo:
      return Stage::hello;
    case Due::starttls:
      return Stage::starttls;
    case Due::login:
      return Stage::auth;
    case Due::reset:
    case Due::mail:
      return Stage::mail;
    case Due::rcpt:
      return Stage::rcpt;
    case Due::data:
      return Stage::data;
    case Due::dot:
    case Due::empty_dot:
      return Stage::dot;
    case Due::quit:
      break;
  }
  return Stage::quit;
}

Refused not_offered(Stage stage, const char* text) {
  return {.stage = stage, .reply = Reply(454, "4.7.0", text), .origin = Origin::local};
}

bool offers(const UpstreamCapabilities& upstream, std::string_view mechanism) {
  return std::find(upstream.auth.begin(), upstream.auth.end(), mechanism) != upstream.auth.end();
}

}  // namespace

ClientProtocol::ClientProtocol(std::string hostname) : hostname_(std::move(hostname)) {}

void ClientProtocol::receive(std::string_view bytes) {
  if (closing() || bytes.empty()) return;
  if (phase_ == Phase::handshake) return garbage("plaintext behind the reply to STARTTLS");
  parser_.receive(bytes);
  while (!closing()) {
    const auto reply = parser_.next();
    if (!reply) return garbage(reply.error().detail);
    if (!*reply) return;
    ++replies_;
    on_reply(**reply);
  }
}

std::optional<ClientEvent> ClientProtocol::next_event() {
  if (events_.empty()) return {};
  ClientEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

std::string ClientProtocol::take_output() {
  unsent_ = 0;
  return std::exchange(output_, {});
}

void ClientProtocol::start_tls() {
  require(Phase::idle);
  if (!capabilities_.starttls) {
    events_.push_back(not_offered(Stage::starttls, "the upstream does not offer STARTTLS"));
    return;
  }
  phase_ = Phase::login;
  say({Due::starttls, "STARTTLS"});
}

void ClientProtocol::tls_started() {
  require(Phase::handshake);
  capabilities_ = UpstreamCapabilities();
  phase_ = Phase::opening;
  say({Due::ehlo, "EHLO " + hostname_});
}

void ClientProtocol::log_in(std::string user, Secret password) {
  require(Phase::idle);
  const bool plain = offers(capabilities_, "PLAIN");
  if (!plain && !offers(capabilities_, "LOGIN")) {
    events_.push_back(not_offered(Stage::auth, "the upstream offers neither PLAIN nor LOGIN"));
    return;
  }
  phase_ = Phase::login;
  login_lines_.clear();
  if (plain) {
    const Secret message('\0' + user + '\0' + password.reveal());
    return say({Due::login, "AUTH PLAIN " + base64_encode(message.reveal())});
  }
  login_lines_.emplace_back(base64_encode(password.reveal()));
  login_lines_.emplace_back(base64_encode(user));
  say({Due::login, "AUTH LOGIN"});
}

void ClientProtocol::send(Transaction transaction) {
  require(Phase::idle);
  phase_ = Phase::transaction;
  transaction_.emplace(std::move(transaction), capabilities_);
  if (std::exchange(needs_reset_, false)) say({Due::reset, "RSET"});
  advance();
}

std::size_t ClientProtocol::next_pieces(std::span<std::string_view> pieces) {
  if (closing()) return 0;
  require(Phase::writing_body);
  return transaction_->next_pieces(pieces);
}

void ClientProtocol::body_written() {
  if (closing()) return;
  require(Phase::writing_body);
  phase_ = Phase::transaction;
}

void ClientProtocol::quit() {
  require(Phase::idle);
  phase_ = Phase::quitting;
  say({Due::quit, "QUIT"});
}

void ClientProtocol::connection_lost(std::string detail) {
  if (closing()) return;
  end(Ended::Cause::lost, Reply(451, "4.4.2", "connection to the upstream lost"),
      std::move(detail));
}

std::optional<Stage> ClientProtocol::waiting_for() const {
  if (due_.empty() || phase_ == Phase::writing_body) return {};
  return stage_of(due_.front());
}

void ClientProtocol::require(Phase phase) const {
  if (phase_ != phase) throw std::logic_error("smtp: client asked out of turn");
}

void ClientProtocol::say(const ClientCommand& command) {
  output_.append(command.line).append("\r\n");
  due_.push_back(command.due);
  ++unsent_;
}

void ClientProtocol::on_reply(const Reply& reply) {
  if (reply.code == 421) return refused(reply);
  if (due_.size() == unsent_) return garbage("a reply that nothing was said for");
  const Due due = due_.front();
  switch (due) {
    case Due::greeting:
      return on_greeting(reply);
    case Due::ehlo:
    case Due::helo:
      return on_hello(due, reply);
    case Due::starttls:
      return on_starttls(reply);
    case Due::login:
      return on_login(reply);
    case Due::quit:
      return end(Ended::Cause::done, reply, "");
    default:
      return on_transaction(due, reply);
  }
}

void ClientProtocol::on_greeting(const Reply& reply) {
  if (reply.intermediate()) return garbage("3xx as greeting");
  if (!reply.positive()) return refused(reply);
  due_.pop_front();
  say({Due::ehlo, "EHLO " + hostname_});
}

void ClientProtocol::on_hello(Due due, const Reply& reply) {
  if (reply.intermediate()) return garbage("3xx to EHLO");
  if (due == Due::ehlo && reply.permanent()) {
    due_.pop_front();
    return say({Due::helo, "HELO " + hostname_});
  }
  if (!reply.positive()) return refused(reply);
  if (due == Due::ehlo) capabilities_ = parse_capabilities(reply);
  become_idle(Ready{Stage::hello});
}

void ClientProtocol::on_starttls(const Reply& reply) {
  if (reply.intermediate()) return garbage("3xx to STARTTLS");
  if (!reply.positive()) return become_idle(Refused{Stage::starttls, reply, Origin::peer});
  if (!parser_.empty()) return garbage("plaintext behind the reply to STARTTLS");
  become_idle(HandshakeNow());
  phase_ = Phase::handshake;
}

void ClientProtocol::on_login(const Reply& reply) {
  const bool said_all = login_lines_.empty();
  if (reply.intermediate() ? said_all : reply.positive() && !said_all) {
    return garbage("AUTH out of step");
  }
  if (!reply.intermediate()) {
    login_lines_.clear();
    if (reply.positive()) return become_idle(Ready{Stage::auth});
    return become_idle(Refused{Stage::auth, reply, Origin::peer});
  }
  due_.pop_front();
  say({Due::login, login_lines_.back().reveal()});
  login_lines_.pop_back();
}

void ClientProtocol::become_idle(ClientEvent event) {
  due_.pop_front();
  phase_ = Phase::idle;
  events_.push_back(std::move(event));
}

void ClientProtocol::on_transaction(Due due, const Reply& reply) {
  const bool early = phase_ == Phase::writing_body;
  // Some refuse in the middle of the body and close; that much is believed.
  if (early && !reply.transient() && !reply.permanent()) return garbage("reply before the dot");
  if (!transaction_->on_reply(due, reply)) return garbage("a reply that does not fit its command");
  if (early) return refused(reply);
  due_.pop_front();
  advance();
}

void ClientProtocol::advance() {
  while (auto next = transaction_->next_command(due_.size())) say(*next);
  if (transaction_->take_body_turn()) {
    if (due_.empty()) due_.push_back(Due::dot);  // DATA; BDAT has said it
    phase_ = Phase::writing_body;
    events_.push_back(SendBody());
  } else if (due_.empty()) {
    phase_ = Phase::idle;
    finish();
  }
}

void ClientProtocol::finish() {
  needs_reset_ = needs_reset_ || transaction_->leaves_something();
  events_.push_back(Finished{transaction_->results()});
  transaction_.reset();
}

Stage ClientProtocol::stage() const {
  if (due_.empty()) return Stage::quit;
  if (phase_ == Phase::writing_body && !transaction_->body_given()) return Stage::data;
  return stage_of(due_.front());
}

void ClientProtocol::end(Ended::Cause cause, const Reply& reply, std::string detail) {
  const Stage at = stage();
  if (transaction_) {
    const bool garbled = cause == Ended::Cause::garbage;
    const Origin origin = cause == Ended::Cause::refused ? Origin::peer : Origin::trouble;
    transaction_->give_up({at, reply, origin}, garbled);
    finish();
  }
  phase_ = Phase::ended;
  due_.clear();
  output_.clear();
  login_lines_.clear();
  events_.push_back(Ended{cause, at, reply, std::move(detail)});
}

void ClientProtocol::refused(const Reply& reply) { end(Ended::Cause::refused, reply, ""); }

void ClientProtocol::garbage(std::string detail) {
  end(Ended::Cause::garbage, Reply(451, "4.5.0", "the upstream broke the protocol"),
      std::move(detail));
}

UpstreamCapabilities parse_capabilities(const Reply& ehlo) {
  UpstreamCapabilities upstream;
  upstream.extended = true;
  const auto lines = text::split(ehlo.text, '\n');
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::string line = text::uppered(text::trimmed(lines[i]));
    const auto words = text::split(line, ' ');
    if (words[0] == "PIPELINING") upstream.pipelining = true;
    if (words[0] == "8BITMIME") upstream.eight_bit_mime = true;
    if (words[0] == "SMTPUTF8") upstream.smtputf8 = true;
    if (words[0] == "CHUNKING") upstream.chunking = true;
    if (words[0] == "STARTTLS") upstream.starttls = true;
    if (words[0] == "DSN") upstream.dsn = true;
    if (words[0] == "ENHANCEDSTATUSCODES") upstream.enhanced_status_codes = true;
    if (words[0] == "SIZE") upstream.has_size = true;
    if (words[0] == "SIZE" && words.size() > 1) upstream.size = text::number(words[1]).value_or(0);
    if (words[0] == "AUTH") upstream.auth.assign(words.begin() + 1, words.end());
  }
  return upstream;
}

}  // namespace ecrelay::smtp

#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/secret.h"
#include "smtp/client_event.h"
#include "smtp/client_transaction.h"

namespace ecrelay::smtp {

/// The client's side of one SMTP connection as a value: replies in, events and commands out; no
/// socket, clock or log.
///
///   step():  write take_output(); while no next_event(): receive(read), take_output() again
///   step() -> Ready
///   start_tls();  step() -> HandshakeNow | Refused;  handshake;  tls_started();  step() -> Ready
///   log_in(user, password);  step() -> Ready | Refused
///   send(transaction);  step() -> SendBody | Finished     (write pieces, body_written(), step())
///   quit();  step() -> Ended
/// Ended may come at any step; a transaction that is open then gets its Finished before it.
/// An action while another is under way, or after Ended, throws std::logic_error; but
/// next_pieces() and body_written() do nothing after Ended, which an upstream can cause in the
/// middle of a body.
///
/// Commands are pipelined where offered, at most 100 unanswered; BDAT is used where CHUNKING is
/// offered. Where a transaction did not come to its dot, RSET goes before the next.
/// Replies out of order or unasked (421 apart), and all that ReplyParser refuses, end the
/// connection as garbage: every recipient of the open transaction is then to be tried again,
/// also those refused before (the replies may have been for others).
/// Single-threaded. RFC 5321, 2920, 3030, 3207, 4954, 6531.
class ClientProtocol {
 public:
  /// `hostname` is what EHLO says.
  explicit ClientProtocol(std::string hostname);

  void receive(std::string_view bytes);
  std::optional<ClientEvent> next_event();
  /// Commands to write now. May hold a password in base64: do not log it.
  std::string take_output();

  void start_tls();
  void tls_started();
  /// PLAIN where offered, else LOGIN, else Refused. The caller sees to TLS.
  void log_in(std::string user, Secret password);
  void send(Transaction transaction);
  /// After SendBody: pieces to write in order, 0 when there are no more. Views of the transaction's
  /// body and of literals. Also 0 after Ended, so that writing can simply stop.
  std::size_t next_pieces(std::span<std::string_view> pieces);
  void body_written();
  void quit();
  /// The connection broke, or a time limit passed; not an error after Ended.
  void connection_lost(std::string detail);

  /// The stage whose reply is awaited, for reply_time_limit(); nothing when the machine is idle
  /// or the driver writes a body.
  std::optional<Stage> waiting_for() const;
  /// Ready for send(), start_tls(), log_in() or quit().
  bool idle() const { return phase_ == Phase::idle; }
  bool closing() const { return phase_ == Phase::ended; }
  /// How many whole replies were heard: the time limit of the next begins with each.
  std::size_t replies() const { return replies_; }
  const UpstreamCapabilities& capabilities() const { return capabilities_; }

 private:
  enum class Phase { opening, idle, handshake, login, transaction, writing_body, quitting, ended };

  void require(Phase phase) const;
  void say(const ClientCommand& command);
  void on_reply(const Reply& reply);
  void on_greeting(const Reply& reply);
  void on_hello(Due due, const Reply& reply);
  void on_starttls(const Reply& reply);
  void on_login(const Reply& reply);
  void on_transaction(Due due, const Reply& reply);
  void become_idle(ClientEvent event);

  void advance();
  void finish();
  Stage stage() const;
  void end(Ended::Cause cause, const Reply& reply, std::string detail);
  void refused(const Reply& reply);
  void garbage(std::string detail);

  std::string hostname_;
  Phase phase_ = Phase::opening;
  UpstreamCapabilities capabilities_;
  ReplyParser parser_;
  std::deque<Due> due_{Due::greeting};
  std::size_t unsent_ = 0;  // of due_, at its end: still in output_
  std::string output_;
  std::size_t replies_ = 0;
  std::deque<ClientEvent> events_;
  std::vector<Secret> login_lines_;  // what the next 334 gets is at the end
  std::optional<ClientTransaction> transaction_;
  bool needs_reset_ = false;
};

/// The extensions in the reply to EHLO; its first line is the server's name.
UpstreamCapabilities parse_capabilities(const Reply& ehlo);

}  // namespace ecrelay::smtp

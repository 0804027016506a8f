#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "smtp/body_scanner.h"
#include "smtp/receive_buffer.h"
#include "smtp/reply.h"
#include "smtp/sasl.h"
#include "smtp/server_event.h"
#include "smtp/server_options.h"
#include "smtp/server_states.h"

namespace ecrelay::smtp {

struct Command;

/// The server's side of one SMTP session as a value: bytes in, events and bytes out; no socket,
/// clock or log. It answers syntax (500, 501), order (503) and limits by itself, so that the
/// session meets only legal events, one at a time; what may be sent is the session's decision.
///
///   protocol.answer(Reply(220, "", "relay.example.jp ESMTP"));       // or 554: closes
///   for (;;) {
///     while (auto event = protocol.next_event()) { ... protocol.answer(reply); }
///     if (auto bytes = protocol.take_output(); !bytes.empty()) { write(bytes); continue; }
///     if (protocol.closing()) break;
///     protocol.receive(read_at_most(ServerProtocol::max_read));
///   }
/// After answering StartTls with 220: write the output, shake hands, tls_started().
/// Single-threaded. RFC 5321, 2920, 3030, 3207, 3461, 4954, 6531.
class ServerProtocol {
 public:
  static constexpr std::size_t max_read = 64U << 10;

  explicit ServerProtocol(Capabilities capabilities, Limits limits = {});

  /// At most max_read bytes at a time, and only after next_event() gave nothing, or the buffer
  /// (bounded) throws std::length_error. After closing() bytes are dropped.
  void receive(std::string_view bytes);

  /// Nothing while more bytes, an answer, or a take_output() is needed, and after the end.
  /// Call until it gives nothing.
  std::optional<Event> next_event();

  /// Answers the greeting (the first call) or the event just given; throws std::logic_error when
  /// nothing is asked. 421 closes, in place of any answer.
  void answer(const Reply& reply);
  /// True while answer() is due.
  bool awaits_answer() const { return asked_ != Asked::nothing; }

  /// A last reply at any time (421 on shutdown or time-out), then closing. Inside DATA the client
  /// may read it only at the end of its data.
  void end(const Reply& reply);

  /// The handshake is done: forgets all the client said (RFC 3207 4.2).
  void tls_started(Capabilities capabilities);

  /// Bytes to write now, in order; empties the store.
  std::string take_output();
  /// Nothing more will come: close when take_output() is written.
  bool closing() const { return state_ == State::closed; }
  /// 220 was answered to STARTTLS: flush and shake hands.
  bool awaits_tls() const { return state_ == State::tls; }
  /// Between 354 (or BDAT) and the end of the body: for deadlines.
  bool reading_body() const;

 private:
  enum class Asked { nothing, greeting, hello, starttls, auth, mail, rcpt, data, body_end };

  /// One unit of work: a command line, a run of body. False when more input is needed.
  bool step();
  bool step_command();
  bool step_auth();
  bool step_data();
  bool step_chunk();
  bool step_skip();
  /// The next line without CRLF, still to be consumed; closes when it is over its limit.
  std::optional<std::string_view> next_line();

  void on_command(const Command& command);
  void on_hello(const Command& command);
  void on_starttls();
  void on_auth(std::string_view arguments);
  void on_auth_step(SaslStep step);
  void on_mail(std::string_view arguments);
  void on_rcpt(std::string_view arguments);
  void on_bdat(std::string_view arguments);
  void on_idle_command(Verb verb);
  void end_chunk();

  void answer_hello(const Reply& reply);
  void answer_starttls(const Reply& reply);
  void answer_auth(const Reply& reply);
  void answer_envelope(const Reply& reply);
  void answer_data(const Reply& reply);
  void answer_body_end(const Reply& reply);

  void ask(Asked what, Event event);
  void send(const Reply& reply);
  void send_error(const Reply& reply);
  /// Counts a protocol error; true when it was one too many and the session has ended.
  bool count_error();
  void close(std::string_view reason);
  void skip_chunk(Reply said_after);
  void forget_transaction();
  void forget_part();
  std::string capability_lines() const;

  Capabilities capabilities_;
  Limits limits_;
  ReceiveBuffer input_;
  std::size_t shown_ = 0;  // octets of input_ that the last event shows
  std::string output_;
  std::optional<Event> event_;  // to be given next
  State state_ = State::fresh;
  Asked asked_ = Asked::greeting;
  Verb verb_ = Verb::noop;  // the command that asks

  bool extended_ = false;  // EHLO, not HELO
  bool authenticated_ = false;
  SaslDialogue sasl_;

  bool smtputf8_ = false;             // of the transaction
  std::size_t recipients_ = 0;        // accepted
  std::size_t asked_recipients_ = 0;  // all RCPT

  BodyScanner scanner_;
  std::uint64_t chunk_left_ = 0;
  bool last_chunk_ = false;
  std::size_t chunks_ = 0;
  State after_skip_ = State::ready;
  Reply skip_reply_;

  int errors_ = 0;
  int failed_logins_ = 0;
  int idle_commands_ = 0;
};

}  // namespace ecrelay::smtp

#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "smtp/client_event.h"
#include "smtp/dot_stuffer.h"

namespace ecrelay::smtp {

/// What a client has said and awaits the reply of. `dot` is the end of the body, by DATA or BDAT;
/// `empty_dot` ends a DATA that was let in although nobody is left to get it.
enum class Due {
  greeting,
  ehlo,
  helo,
  starttls,
  login,
  reset,
  mail,
  rcpt,
  data,
  dot,
  empty_dot,
  quit
};

struct ClientCommand {
  Due due;
  std::string line;  ///< without CRLF
};

/// One transaction on ClientProtocol's behalf: which command comes next, and what each reply
/// decides for whom. Replies come in the order of the commands.
class ClientTransaction {
 public:
  /// Refuses at once, as Origin::local, who cannot be reached without SMTPUTF8.
  ClientTransaction(Transaction transaction, const UpstreamCapabilities& upstream);

  /// What to say now, with `unanswered` commands out; nothing: wait, or it is over.
  std::optional<ClientCommand> next_command(std::size_t unanswered);
  /// False for a reply that makes no sense there (354 to RCPT, 250 to DATA).
  bool on_reply(Due due, const Reply& reply);

  /// The body is to be written now (told once).
  bool take_body_turn();
  std::size_t next_pieces(std::span<std::string_view> pieces);
  /// The last piece has been handed out: from here on the upstream may have the message.
  bool body_given() const;

  /// Decides for all who are undecided; with `forget_replies` also for those the upstream has
  /// accepted or refused.
  void give_up(const RecipientResult& result, bool forget_replies);
  /// One for each recipient, in order; call when over.
  std::vector<RecipientResult> results() const;
  /// The upstream has a transaction of ours that no dot has ended.
  bool leaves_something() const { return mail_said_ && !dot_answered_; }

 private:
  struct Slot {
    std::string path;  // as it goes on the wire
    bool accepted = false;
    std::optional<RecipientResult> result;
  };

  bool refuse_unreachable(bool smtputf8_offered);
  bool anyone_accepted() const;
  std::string mail_line() const;
  std::string rcpt_line(std::size_t index) const;
  std::optional<ClientCommand> body_command();
  void on_rcpt(const Reply& reply);
  void on_data(const Reply& reply);

  Transaction transaction_;
  UpstreamCapabilities upstream_;
  std::string sender_path_;
  std::vector<Slot> slots_;
  std::vector<std::size_t> asked_;  // the slots that get a RCPT, in order
  std::size_t said_ = 0;            // of asked_
  std::size_t answered_ = 0;        // of asked_
  bool mail_said_ = false;
  bool mail_refused_ = false;
  bool body_said_ = false;
  bool body_turn_ = false;
  bool dot_due_ = false;
  bool empty_dot_due_ = false;
  bool dot_answered_ = false;
  std::size_t given_ = 0;  // views of the body, for BDAT
  DotStuffer stuffer_;
};

}  // namespace ecrelay::smtp

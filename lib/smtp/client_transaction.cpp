#include "smtp/client_transaction.h"

#include <algorithm>
#include <utility>

#include "core/text.h"

namespace ecrelay::smtp {
namespace {

/// Commands sent and not answered: keeps what waits in both directions far below the socket
/// buffers, so that neither side blocks the other (RFC 2920 3.1).
constexpr std::size_t max_unanswered = 100;

/// How an address goes on the wire; nothing when it would need SMTPUTF8 and there is none. An
/// ASCII local part needs it for the domain only, which has an ASCII form.
std::optional<std::string> wire_path(const mail::Address& address, bool smtputf8_offered) {
  if (smtputf8_offered || address.is_ascii()) return address.text();
  if (!text::is_ascii(address.local())) return {};
  return std::string(address.local()) + '@' + mail::domain_key(address.domain());
}

RecipientResult no_smtputf8() {
  return {.stage = Stage::mail,
          .reply = Reply(553, "5.6.7", "the upstream does not offer SMTPUTF8"),
          .origin = Origin::local};
}

std::size_t total_size(const std::vector<std::string_view>& body) {
  std::size_t size = 0;
  for (const std::string_view view : body) size += view.size();
  return size;
}

}  // namespace

ClientTransaction::ClientTransaction(Transaction transaction, const UpstreamCapabilities& upstream)
    : transaction_(std::move(transaction)), upstream_(upstream) {
  const bool offered = upstream_.smtputf8;
  auto sender = transaction_.sender ? wire_path(*transaction_.sender, offered) : std::string();
  const bool refused = !sender || (transaction_.smtputf8 && !offered);
  if (sender) sender_path_ = *std::move(sender);
  for (const Recipient& recipient : transaction_.recipients) {
    auto path = wire_path(recipient.address, offered);
    const bool reachable = path && !refused;
    if (reachable) asked_.push_back(slots_.size());
    Slot slot;
    if (reachable) slot.path = *std::move(path);
    if (!reachable) slot.result = no_smtputf8();
    slots_.push_back(std::move(slot));
  }
  if (!upstream_.chunking) stuffer_ = DotStuffer(transaction_.body);
}

std::optional<ClientCommand> ClientTransaction::next_command(std::size_t unanswered) {
  if (std::exchange(empty_dot_due_, false)) return ClientCommand{Due::empty_dot, "."};
  if (unanswered >= (upstream_.pipelining ? max_unanswered : 1)) return {};
  if (asked_.empty() || mail_refused_ || body_said_) return {};
  if (!std::exchange(mail_said_, true)) return ClientCommand{Due::mail, mail_line()};
  if (said_ < asked_.size()) return ClientCommand{Due::rcpt, rcpt_line(asked_[said_++])};
  return body_command();
}

std::optional<ClientCommand> ClientTransaction::body_command() {
  const bool all_answered = answered_ == asked_.size();
  if (all_answered && !anyone_accepted()) return {};
  // BDAT takes the body with it, so all must be known before; a 354 to DATA can still be met
  // with an empty message.
  if (!all_answered && (upstream_.chunking || !upstream_.pipelining)) return {};
  body_said_ = true;
  if (!upstream_.chunking) return ClientCommand{Due::data, "DATA"};
  body_turn_ = true;
  return ClientCommand{Due::dot, "BDAT " + std::to_string(total_size(transaction_.body)) + " LAST"};
}

std::string ClientTransaction::mail_line() const {
  bool utf8 = transaction_.smtputf8 || !text::is_ascii(sender_path_);
  for (const Slot& slot : slots_) utf8 = utf8 || !text::is_ascii(slot.path);
  std::string line = "MAIL FROM:<" + sender_path_ + ">";
  if (upstream_.has_size) line += " SIZE=" + std::to_string(total_size(transaction_.body));
  if (transaction_.eight_bit && upstream_.eight_bit_mime) line += " BODY=8BITMIME";
  if (utf8) line += " SMTPUTF8";
  if (!upstream_.dsn) return line;
  if (transaction_.ret != Ret::unspecified) {
    line += transaction_.ret == Ret::full ? " RET=FULL" : " RET=HDRS";
  }
  if (!transaction_.envid.empty()) line += " ENVID=" + xtext_encoded(transaction_.envid);
  return line;
}

std::string ClientTransaction::rcpt_line(std::size_t index) const {
  const Recipient& recipient = transaction_.recipients[index];
  std::string line = "RCPT TO:<" + slots_[index].path + ">";
  if (!upstream_.dsn) return line;
  if (recipient.notify.said()) line += " NOTIFY=" + to_text(recipient.notify);
  const std::size_t semicolon = recipient.orcpt.find(';');
  if (semicolon != std::string::npos) {
    line += " ORCPT=" + recipient.orcpt.substr(0, semicolon + 1) +
            xtext_encoded(std::string_view(recipient.orcpt).substr(semicolon + 1));
  }
  return line;
}

bool ClientTransaction::on_reply(Due due, const Reply& reply) {
  // Only DATA asks for more, and never says "done".
  if (due == Due::data ? reply.positive() : reply.intermediate()) return false;
  switch (due) {
    case Due::reset:
      return reply.positive();
    case Due::mail:
      mail_refused_ = !reply.positive();
      if (mail_refused_) give_up({Stage::mail, reply, Origin::peer}, false);
      return true;
    case Due::rcpt:
      on_rcpt(reply);
      return true;
    case Due::data:
      on_data(reply);
      return true;
    case Due::dot:
      dot_answered_ = true;
      give_up({Stage::dot, reply, Origin::peer}, false);
      return true;
    default:
      return true;  // the empty dot: nobody waits for its reply
  }
}

void ClientTransaction::on_rcpt(const Reply& reply) {
  Slot& slot = slots_[asked_[answered_++]];
  if (mail_refused_) return;
  slot.accepted = reply.positive();
  if (!slot.accepted) slot.result = RecipientResult{Stage::rcpt, reply, Origin::peer};
}

void ClientTransaction::on_data(const Reply& reply) {
  body_turn_ = reply.intermediate() && anyone_accepted();
  empty_dot_due_ = reply.intermediate() && !body_turn_;
  if (!reply.intermediate()) give_up({Stage::data, reply, Origin::peer}, false);
}

bool ClientTransaction::take_body_turn() { return std::exchange(body_turn_, false); }

std::size_t ClientTransaction::next_pieces(std::span<std::string_view> pieces) {
  if (!upstream_.chunking) return stuffer_.next(pieces);
  std::size_t count = 0;
  for (; count < pieces.size() && given_ < transaction_.body.size(); ++given_) {
    if (!transaction_.body[given_].empty()) pieces[count++] = transaction_.body[given_];
  }
  return count;
}

bool ClientTransaction::body_given() const {
  return upstream_.chunking ? given_ == transaction_.body.size() : stuffer_.ended();
}

bool ClientTransaction::anyone_accepted() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.accepted; });
}

void ClientTransaction::give_up(const RecipientResult& result, bool forget_replies) {
  for (Slot& slot : slots_) {
    const bool believed = !forget_replies || (slot.result && slot.result->origin == Origin::local);
    if (!slot.result || !believed) slot.result = result;
  }
}

std::vector<RecipientResult> ClientTransaction::results() const {
  std::vector<RecipientResult> results;
  results.reserve(slots_.size());
  for (const Slot& slot : slots_) results.push_back(slot.result.value());
  return results;
}

}  // namespace ecrelay::smtp

#include "policy/verdict.h"

#include <algorithm>
#include <array>
#include <optional>

#include "policy/reply_text.h"
#include "policy/retry.h"

namespace ecrelay::policy {
namespace {

using smtp::Stage;

Verdict wait(About about, std::string_view reason) {
  return Verdict{Outcome::deferred, about, false, false, reason};
}

Verdict leave_server(About about, std::string_view reason) {
  return Verdict{Outcome::deferred, about, true, false, reason};
}

Verdict fail(About about, std::string_view reason) {
  return Verdict{Outcome::failed, about, false, false, reason};
}

/// Nothing can be learned from it; after the dot the message may have gone through.
Verdict garbage(Stage stage) {
  Verdict verdict = wait(About::upstream, "protocol");
  verdict.in_doubt = stage == Stage::dot;
  return verdict;
}

bool before_mail(Stage stage) { return stage < Stage::mail; }

bool refuses_login(int code) {
  constexpr std::array codes = {530, 534, 535, 538};
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

bool is_protocol(Stage stage, int code, const ReplyText& text) {
  if (code == 501) return stage != Stage::rcpt || text.has({5, 5, any_detail});
  return code == 500 || (code >= 502 && code <= 504);
}

/// About us, said late: the checks of MAIL and of the client, delayed until RCPT.
std::optional<Verdict> about_us(const ReplyText& text) {
  if (text.says(Topic::relay)) return wait(About::us, "relay");
  if (text.says(Topic::sender)) return wait(About::us, "sender");
  return {};
}

Verdict transient(Stage stage, const ReplyText& text) {
  if (text.says(Topic::rate)) return wait(About::rate, "rate");
  if (const auto verdict = about_us(text)) return *verdict;
  if (stage == Stage::mail) return wait(About::upstream, "temporary");
  if (text.says(Topic::full)) return wait(About::recipient, "mailbox_full");
  return wait(stage == Stage::rcpt ? About::recipient : About::upstream, "temporary");
}

/// A 5yz that must not be taken at its word, else nothing.
std::optional<Verdict> not_final(Stage stage, const smtp::Reply& reply, const ReplyText& text) {
  if (const auto verdict = about_us(text); verdict && stage != Stage::dot) return verdict;
  if (text.says(Topic::rate)) return wait(About::rate, "rate");
  if (text.has_class(4) || text.says(Topic::temporary) || delay_named_in(reply.text)) {
    return wait(About::upstream, "contradiction");
  }
  return {};
}

Verdict final_refusal(Stage stage, const ReplyText& text) {
  if (text.says(Topic::size)) return fail(About::message, "too_large");
  if (text.says(Topic::full)) return fail(About::recipient, "mailbox_full");
  if (text.says(Topic::reputation)) return fail(About::us, "reputation");
  if (text.says(Topic::content)) return fail(About::message, "content");
  if (text.has({5, 1, 1}) || text.says(Topic::unknown_user)) {
    return fail(About::recipient, "unknown_user");
  }
  return fail(stage == Stage::rcpt ? About::recipient : About::message, "refused");
}

Verdict permanent(Stage stage, const smtp::Reply& reply, const ReplyText& text) {
  if (refuses_login(reply.code)) return leave_server(About::us, "login");
  if (text.says(Topic::login)) return wait(About::us, "login");
  if (stage == Stage::mail) {
    return text.says(Topic::size) ? fail(About::message, "too_large") : wait(About::us, "sender");
  }
  if (text.says(Topic::line)) return fail(About::message, "line_too_long");
  if (is_protocol(stage, reply.code, text)) return wait(About::upstream, "protocol");
  if (const auto verdict = not_final(stage, reply, text)) return *verdict;
  return final_refusal(stage, text);
}

}  // namespace

Verdict verdict_of(Stage stage, const smtp::Reply& reply) {
  if (before_mail(stage)) return leave_server(About::upstream, smtp::to_text(stage));
  if (reply.code == 421) return leave_server(About::upstream, "closing");
  if (stage == Stage::dot && reply.positive())
    return {Outcome::sent, About::nobody, false, false, "sent"};
  const ReplyText text(reply.enhanced, reply.text);
  if (reply.transient()) return transient(stage, text);
  if (reply.permanent()) return permanent(stage, reply, text);
  return garbage(stage);
}

Verdict verdict_of(const smtp::RecipientResult& result) {
  if (result.origin == smtp::Origin::peer) return verdict_of(result.stage, result.reply);
  if (result.origin == smtp::Origin::local && result.reply.permanent()) {
    return fail(About::message, "not_offered");
  }
  if (before_mail(result.stage)) return leave_server(About::upstream, smtp::to_text(result.stage));
  return garbage(result.stage);
}

std::string_view to_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::sent:
      return "sent";
    case Outcome::deferred:
      return "deferred";
    case Outcome::failed:
      return "failed";
  }
  return "";
}

std::string_view to_text(About about) {
  switch (about) {
    case About::nobody:
      return "nobody";
    case About::recipient:
      return "recipient";
    case About::message:
      return "message";
    case About::us:
      return "us";
    case About::upstream:
      return "upstream";
    case About::rate:
      return "rate";
  }
  return "";
}

}  // namespace ecrelay::policy

#include "dispatch/conclusion.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "mail/address.h"
#include "policy/suppression_rule.h"
#include "smtp/stage.h"

namespace ecrelay::dispatch {
namespace {

/// "failed unknown_user", "deferred lost_connection in_doubt"; "sent" needs no reason.
std::string text_of(const policy::Verdict& verdict) {
  std::string text(policy::to_text(verdict.outcome));
  if (!verdict.reason.empty() && verdict.reason != text) text += " " + std::string(verdict.reason);
  if (verdict.in_doubt) text += " in_doubt";
  return text;
}

records::Attempt attempt_of(const Job& job, const Job::Recipient& recipient,
                            const Concluded& concluded, const Attempted& attempted) {
  records::Attempt attempt;
  attempt.message = job.id;
  attempt.recipient = recipient.n;
  attempt.at = attempted.at;
  attempt.upstream = attempted.upstream;
  attempt.server = attempted.server;
  attempt.stage = smtp::to_text(concluded.result.stage);
  // A reply made here is no reply of theirs: its text is kept, its code is not.
  if (concluded.result.origin == smtp::Origin::peer) {
    attempt.code = static_cast<std::uint16_t>(concluded.result.reply.code);
    attempt.enhanced = concluded.result.reply.enhanced;
  }
  attempt.reply = concluded.result.reply.text;
  attempt.verdict = text_of(concluded.verdict);
  attempt.tls = attempted.tls;
  attempt.duration = attempted.took;
  return attempt;
}

void decide_state(const Job& job, const Job::Recipient& recipient, const Attempted& attempted,
                  const Rules& rules, std::uint32_t random, Concluded& concluded) {
  switch (concluded.verdict.outcome) {
    case policy::Outcome::sent:
      concluded.state = records::State::sent;
      return;
    case policy::Outcome::failed:
      concluded.state = records::State::bounced;
      return;
    case policy::Outcome::deferred:
      break;
  }
  if (concluded.verdict.in_doubt && rules.shop(job.shop).hold_in_doubt) {
    concluded.state = records::State::held;
    concluded.due = attempted.at;
    return;
  }
  policy::RetryPlan plan = rules.retry;
  plan.expire = job.expires_at - job.accepted_at;
  policy::Attempted so_far{};
  so_far.attempts = recipient.attempts + 1;
  so_far.accepted_at = job.accepted_at + attempted.excess_age;
  so_far.now = attempted.at;
  if (concluded.result.origin == smtp::Origin::peer) {
    so_far.named = policy::delay_named_in(concluded.result.reply.text);
  }
  const policy::Next next = policy::next_attempt(plan, so_far, random);
  concluded.state = next.expired ? records::State::expired : records::State::queued;
  concluded.due = next.due;
}

std::optional<records::Weight> weight_of(const policy::Suppression& decision) {
  if (decision.suppresses()) return records::Weight::entry;
  if (decision.effect != policy::Effect::count) return std::nullopt;
  return decision.about_mailbox() ? records::Weight::mailbox_point
                                  : records::Weight::delivery_point;
}

struct Weighted {
  records::Weight weight;
  std::string reason;
};

/// Rows 20 and 21: of what was put off until its time was over only the last word about the mailbox
/// counts. A 4yz at RCPT may be a greylist, or the server's own trouble.
bool is_about_mailbox(const Concluded& concluded) {
  const std::string& enhanced = concluded.result.reply.enhanced;
  return concluded.verdict.about == policy::About::recipient &&
         (concluded.verdict.reason == "mailbox_full" || enhanced.starts_with("4.2.") ||
          enhanced == "4.1.1");
}

std::optional<Weighted> weighted(const Job::Recipient& recipient, const Concluded& concluded,
                                 const Attempted& attempted, const policy::OperatorRules& own) {
  if (concluded.result.origin != smtp::Origin::peer) return std::nullopt;
  if (concluded.state == records::State::expired && is_about_mailbox(concluded))
    return Weighted{records::Weight::delivery_point, std::string(concluded.verdict.reason)};
  if (concluded.state != records::State::bounced) return std::nullopt;
  policy::Evidence evidence{concluded.result.stage, concluded.result.reply, recipient.address,
                            attempted.server_host};
  const policy::Suppression decision = policy::suppression_for(evidence, own);
  const auto weight = weight_of(decision);
  return weight ? std::optional(Weighted{*weight, std::string(decision.listed_as())})
                : std::nullopt;
}

/// What the reply says about the address, for the suppression list.
std::optional<records::Sign> sign_of(const Job& job, const Job::Recipient& recipient,
                                     const Concluded& concluded, const Attempted& attempted,
                                     const policy::OperatorRules& own) {
  if (job.kind == records::Kind::report) return std::nullopt;
  const auto found = weighted(recipient, concluded, attempted, own);
  if (!found) return std::nullopt;
  records::SuppressionEntry entry;
  entry.shop = job.shop;
  entry.key = recipient.key;
  entry.address = recipient.address;
  entry.reason = found->reason;
  entry.since = attempted.at;
  entry.evidence = attempted.server + " at " + std::string(smtp::to_text(concluded.result.stage)) +
                   ": " + concluded.result.reply.line();
  entry.message = job.id;
  entry.actor = "relay";
  return records::Sign{found->weight, std::move(entry)};
}

void charge(const Job& job, const Job::Recipient& recipient, const Attempted& attempted,
            const Rules& rules, Conclusion& conclusion) {
  const auto price = rules.prices.in_force(job.shop, attempted.at);
  if (!price) throw std::logic_error("no price in force for shop " + job.shop);
  const auto charge = policy::charge_for(policy::Ending::sent, *price);
  const bool by_message = charge->unit == policy::Unit::message;
  if (by_message && !conclusion.outcome.charges.empty()) return;
  records::Charge row;
  row.unit = by_message ? records::Unit::message : records::Unit::recipient;
  row.recipient = recipient.n;
  row.price = charge->amount;
  conclusion.outcome.charges.push_back(row);
  conclusion.charged = conclusion.charged + charge->amount;
}

}  // namespace

const ShopRules& Rules::shop(const std::string& id) const {
  static const ShopRules defaults;
  const auto found = shops.find(id);
  return found == shops.end() ? defaults : found->second;
}

const std::string* Rules::return_path_domain(const std::string& sender) const {
  const std::string::size_type at = sender.rfind('@');
  if (!return_paths || at == std::string::npos) return nullptr;
  const auto found = return_path_domains.find(mail::domain_key(sender.substr(at + 1)));
  return found == return_path_domains.end() ? nullptr : &found->second;
}

Conclusion conclude(const Job& job, const std::vector<smtp::RecipientResult>& results,
                    const Attempted& attempted, const Rules& rules, std::uint32_t random) {
  Conclusion conclusion;
  conclusion.outcome.message = job.id;
  conclusion.outcome.at = attempted.at;
  conclusion.outcome.weighed = std::make_shared<std::vector<store::Weighed>>();
  for (std::size_t i = 0; i < job.recipients.size(); ++i) {
    const Job::Recipient& recipient = job.recipients[i];
    Concluded concluded;
    concluded.result = results.at(i);
    concluded.verdict = policy::verdict_of(concluded.result);
    decide_state(job, recipient, attempted, rules, random, concluded);

    store::RecipientOutcome row;
    row.n = recipient.n;
    row.state = concluded.state;
    row.due = concluded.due;
    row.reply = concluded.result.origin == smtp::Origin::peer ? concluded.result.reply.line()
                                                              : concluded.result.reply.text;
    row.attempt = attempt_of(job, recipient, concluded, attempted);
    conclusion.outcome.recipients.push_back(std::move(row));

    if (concluded.state == records::State::sent && job.kind == records::Kind::mail)
      charge(job, recipient, attempted, rules, conclusion);
    if (auto sign = sign_of(job, recipient, concluded, attempted, rules.suppression_rules))
      conclusion.outcome.signs.push_back(std::move(*sign));
    conclusion.recipients.push_back(std::move(concluded));
  }
  return conclusion;
}

}  // namespace ecrelay::dispatch

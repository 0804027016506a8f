#include "policy/suppression_rule.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>

#include "core/text.h"
#include "policy/reply_text.h"
#include "policy/suppression_facts.h"

namespace ecrelay::policy {
namespace {

using smtp::Stage;

bool says_any(const Facts& facts, std::span<const std::string_view> phrases) {
  return std::any_of(phrases.begin(), phrases.end(),
                     [&](std::string_view phrase) { return facts.text.contains(phrase); });
}

/// In our own session only: a report tells of a failure that is final all the same.
bool temporary(const Facts& facts) {
  if (facts.reported) return false;
  return facts.code / 100 != 5 || facts.text.has_class(4) || facts.text.says(Topic::temporary);
}

/// Before RCPT nobody is named. Behind it, in our own session, the answer is for all recipients.
bool about_nobody(const Facts& facts) {
  return facts.stage < Stage::rcpt || (!facts.reported && facts.stage > Stage::rcpt);
}

bool about_sender(const Facts& facts) { return facts.text.says(Topic::sender); }

bool edge_blocked(const Facts& facts) {
  constexpr std::string_view microsoft = "outlook.com";
  return facts.text.has({5, 4, 1}) && facts.text.says(Topic::access) &&
         (facts.server.ends_with(microsoft) || facts.text.contains(microsoft));
}

/// "Blocked" is said of addresses of ours, and of mailboxes nobody has looked into.
bool mailbox_blocked(const Facts& facts) {
  static constexpr auto words = std::to_array<std::string_view>(
      {"blocked due to inactivity", "mailbox is blocked", "mailbox has been blocked",
       "mailbox blocked", "account has been blocked due to"});
  return says_any(facts, words);
}

bool about_rate(const Facts& facts) { return facts.text.says(Topic::rate); }

/// What timed out has refused nobody: SendGrid tells of the look-up of a name in these words.
bool was_never_asked(const Facts& facts) {
  return facts.code == 0 && facts.text.contains("timed out");
}

bool about_reputation(const Facts& facts) {
  return !was_never_asked(facts) &&
         (facts.text.says(Topic::reputation) || facts.text.says(Topic::relay) ||
          facts.text.says(Topic::login));
}

/// 5.7.1 beside words that leave no other meaning: Yandex says so of every address that is gone.
bool unknown_in_words(const Facts& facts) {
  static constexpr auto plain = std::to_array<std::string_view>(
      {"no such user", "no such mailbox", "no such account", "no such address", "no such recipient",
       "user unknown", "unknown user", "user not found", "mailbox not found", "does not exist",
       "doesn't exist"});
  static constexpr auto policies = std::to_array<std::string_view>(
      {"denied", "policy", "policies", "not allowed", "not permitted", "permission", "prohibited",
       "restricted", "refused", "forbidden", "security", "or not", "not accept"});
  return facts.text.has({5, 7, 1}) && !facts.text.has({5, 1, any_detail}) &&
         says_any(facts, plain) && !says_any(facts, policies);
}

/// 5.7.X speaks of policies; 5.7.13 alone of the recipient's account (RFC 7372's neighbour).
bool about_policy(const Facts& facts) {
  return facts.text.has({5, 7, any_detail}) && !facts.text.has({5, 7, 13}) &&
         !unknown_in_words(facts);
}

bool about_group(const Facts& facts) { return facts.text.says(Topic::group); }

bool mailbox_full(const Facts& facts) { return facts.text.says(Topic::full); }

bool about_content(const Facts& facts) { return facts.text.says(Topic::content); }

/// "Mailbox size limit exceeded" is said of the mailbox.
bool about_size(const Facts& facts) {
  const bool of_mailbox =
      facts.text.contains("mailbox size") && !facts.text.contains("message size");
  return (facts.text.says(Topic::size) && !of_mailbox) || facts.text.says(Topic::line);
}

/// docomo and au say "unknown user" for what their subscriber's filter refused: docomo after the
/// data or with 5.2.0, 5.3.0 or 5.0.0 instead of 5.1.1, au (and its resellers) without the address.
/// A report that does not tell whether docomo had seen the data proves nothing without 5.1.1.
bool carrier_filter(const Facts& facts) {
  const bool docomo = (facts.in_domain("docomo.ne.jp") || facts.server.ends_with("docomo.ne.jp")) &&
                      facts.text.says(Topic::unknown_user) &&
                      (facts.stage == Stage::dot || facts.text.has({5, 2, 0}) ||
                       (!facts.stage_told && !facts.text.has({5, 1, 1})) ||
                       facts.text.has({5, 3, 0}) || facts.text.has({5, 0, 0}));
  // An address before the colon would have been taken out together with it.
  return docomo || facts.text.contains(": user unknown");
}

bool recipient_filter(const Facts& facts) { return facts.text.says(Topic::filter); }

/// A code that does not go with "no such user": of a host or a network, whatever the words say.
/// Policies, filters and full mailboxes have had their rows by then.
bool code_of_a_host(const Facts& facts) {
  constexpr std::array<Status, 7> codes = {
      {{5, 3, 1}, {5, 3, 2}, {5, 3, 3}, {5, 3, 5}, {5, 4, 5}, {5, 4, 6}, {5, 4, 7}}};
  return std::any_of(codes.begin(), codes.end(),
                     [&](const Status& status) { return facts.text.has(status); });
}

bool unknown_user(const Facts& facts) {
  constexpr std::array<Status, 5> plain = {
      {{5, 1, 1}, {5, 1, 10}, {5, 1, 351}, {5, 1, 3}, {5, 1, 6}}};
  const auto said = [&](const Status& status) { return facts.text.has(status); };
  if (facts.code == 551 || std::any_of(plain.begin(), plain.end(), said)) return true;
  return facts.text.says(Topic::unknown_user) && !code_of_a_host(facts);
}

/// Also when the upstream tells of a later stage at somebody else's: Postfix's "(in reply to end of
/// DATA command)", Exim's "after end of data".
bool after_data(const Facts& facts) {
  return facts.stage != Stage::rcpt || facts.text.contains("end of data");
}

/// Servers that know their users only behind the data, and then say so: Yahoo's (AOL's among them),
/// Tencent's.
bool knows_users_late(const Facts& facts) {
  return facts.text.contains("user doesn't have") || facts.text.contains("delivery error: dd") ||
         facts.text.contains("mail action aborted, mailbox not found") ||
         is_within(facts.server, "qq.com");
}

/// A filter behind the data may call itself "unknown user" anywhere else.
bool unknown_after_data(const Facts& facts) {
  return after_data(facts) && unknown_user(facts) && !knows_users_late(facts);
}

/// 5.7.X beside "unknown user": a policy in the code, a mailbox in the words.
bool unknown_by_policy(const Facts& facts) {
  return facts.text.has({5, 7, any_detail}) && facts.text.says(Topic::unknown_user) &&
         !unknown_in_words(facts);
}

/// a..b@docomo.ne.jp: a relay in between may refuse the syntax of a mailbox that lives.
bool odd_local_refused(const Facts& facts) {
  const bool odd = facts.local.find("..") != std::string::npos || facts.local.starts_with('.') ||
                   facts.local.ends_with('.') || facts.local.starts_with('"');
  return odd && (facts.text.has({5, 1, 3}) || facts.code == 501 || facts.code == 553);
}

bool not_final_there(const Facts& facts) {
  return facts.code / 100 == 4 || facts.text.has_class(4) || facts.text.says(Topic::temporary);
}

bool disabled(const Facts& facts) {
  if (facts.text.says(Topic::closed)) return true;
  return (facts.text.says(Topic::disabled) || facts.text.has({5, 2, 1}) || facts.code == 525) &&
         !facts.text.says(Topic::unknown_user);
}

/// A code for "no such user" or "no such domain" beside words about a host that failed.
bool contradicted_by_host(const Facts& facts) {
  static constexpr auto words = std::to_array<std::string_view>(
      {"system error", "local error", "internal error", "configuration error", "mailer error",
       "server error", "timed out", "timeout", "lookup failure", "lookup failed", "server failure",
       "servfail", "malformed", "connection refused", "permission denied", "disk full"});
  return says_any(facts, words) && !facts.text.says(Topic::unknown_user) &&
         !facts.text.says(Topic::unknown_domain);
}

/// "Host unknown: server failure, try again": DNS gave no answer about the name.
bool names_unanswered(const Facts& facts) {
  static constexpr auto words = std::to_array<std::string_view>(
      {"try again", "server failure", "servfail", "timed out", "timeout", "malformed"});
  return says_any(facts, words);
}

/// "Domain shop.example does not exist" is said of our own domain, too, and "host mx.example not
/// found" of a server in between.
bool names_other_domain(const Facts& facts) {
  const auto is_other = [&](const std::string& word) {
    const auto is_name = [](char c) { return text::is_alnum(c) || c == '-' || c == '.'; };
    const auto begin = std::find_if(word.begin(), word.end(), is_name);
    const std::string name(begin, std::find_if_not(begin, word.end(), is_name));
    return name.find('.') != std::string::npos && !facts.domain.empty() && !facts.in_domain(name) &&
           !name.ends_with(facts.domain);
  };
  const auto names = facts.text.named_by(Topic::unknown_domain);
  return std::any_of(names.begin(), names.end(), is_other);
}

/// Only a report can tell: in a session of ours no server of the domain has been asked.
bool unknown_domain(const Facts& facts) {
  if (!facts.reported || names_unanswered(facts) || names_other_domain(facts)) return false;
  const bool code = facts.text.has({5, 1, 2}) || facts.code == 556;
  return code || facts.text.says(Topic::unknown_domain);
}

/// NXDOMAIN is an answer, whatever class of code stands beside it (Gmail's reports say 4.0.0).
bool domain_answered_away(const Facts& facts) {
  return facts.text.contains("nxdomain") && unknown_domain(facts);
}

/// hotmail.com and its sisters answer "mailbox unavailable" for addresses that are gone; elsewhere
/// RFC 5321 lets the same words mean a policy.
bool consumer_mailbox_gone(const Facts& facts) {
  constexpr auto families = std::to_array<std::string_view>({"hotmail", "outlook", "live", "msn"});
  const auto is_one = [&](std::string_view family) {
    return facts.domain.starts_with(std::string(family) + '.');
  };
  return facts.text.contains("mailbox unavailable") && facts.text.has({5, 5, 0}) &&
         std::any_of(families.begin(), families.end(), is_one);
}

bool refused_without_reason(const Facts& facts) {
  return facts.text.contains("mailbox unavailable") ||
         facts.text.contains("recipient address rejected") ||
         facts.text.contains("recipient rejected") || facts.text.contains("address rejected");
}

bool not_delivered(const Facts& facts) {
  return facts.text.says(Topic::delivery) || facts.text.has({5, 4, any_detail}) ||
         facts.text.has({5, 3, any_detail});
}

bool anything(const Facts&) { return true; }

struct Rule {
  SuppressionRow row;
  bool (*applies)(const Facts&);
};

constexpr auto rules = std::to_array<Rule>({
    {{6, Effect::none, "temporary", "RFC 5321 4.2.1: 4yz is not final, nor what says so itself"},
     temporary},
    {{7, Effect::ignore, "stage",
      "only RCPT names the address; 5.1.0, 5.1.7, 553 at MAIL are ours"},
     about_nobody},
    {{8, Effect::ignore, "sender", "5.1.7, 5.1.8; SoftBank, J:COM: envelope domain without DNS"},
     about_sender},
    {{15, Effect::suppress, "hard", "Microsoft directory-based edge blocking: no such recipient"},
     edge_blocked},
    {{22, Effect::ignore, "group", "who may post to a group is its owner's rule, and it may exist"},
     about_group},
    {{19, Effect::count, "disabled", "free.fr: blocked for inactivity"}, mailbox_blocked},
    {{9, Effect::ignore, "reputation", "block lists, SPF/DKIM/DMARC, PTR; 38 of 46 corpus 5.7.1"},
     about_reputation},
    {{10, Effect::ignore, "rate", "Gmail 5.2.1 too quickly; hosts with 5.1.1 and an hourly limit"},
     about_rate},
    {{11, Effect::ignore, "content", "the same mail would fail everywhere"}, about_content},
    {{12, Effect::ignore, "size", "au 3 MB, docomo, SoftBank: about this mail"}, about_size},
    {{13, Effect::count, "full", "a full mailbox has an owner"}, mailbox_full},
    {{14, Effect::count, "carrier_filter", "docomo and au hide a subscriber's filter in the words"},
     carrier_filter},
    {{22, Effect::count, "filter", "personal filter; Facebook RCP-P2 says 5.1.1"},
     recipient_filter},
    {{19, Effect::count, "disabled", "may be opened again; 5.7.13, 525 (RFC 7505's neighbours)"},
     disabled},
    {{14, Effect::count, "unknown_by_policy", "5.7.1 and \"unknown user\" contradict each other"},
     unknown_by_policy},
    {{9, Effect::ignore, "policy", "5.7.X without words that tell more"}, about_policy},
    {{16, Effect::count, "odd_local_part", "a relay's syntax refusal proves nothing (docomo, au)"},
     odd_local_refused},
    {{18, Effect::suppress, "domain", "NXDOMAIN in the words of a report that has given up"},
     domain_answered_away},
    {{21, Effect::count, "delivery", "final for the reporter, temporary for the host behind it"},
     not_final_there},
    {{20, Effect::count, "delivery", "the words tell of a failing host, whatever the code says"},
     contradicted_by_host},
    {{14, Effect::count, "unknown_after_data", "behind the data a filter may say \"unknown user\""},
     unknown_after_data},
    {{16, Effect::suppress, "hard", "unknown user at RCPT: 106 of 112 corpus 5.1.1 are true"},
     unknown_user},
    {{18, Effect::suppress, "domain", "no such domain, or one that takes no mail (RFC 7505)"},
     unknown_domain},
    {{16, Effect::suppress, "hard", "hotmail.com, outlook.com: mailbox unavailable is gone"},
     consumer_mailbox_gone},
    {{22, Effect::count, "refused", "the recipient is refused, and nothing says why"},
     refused_without_reason},
    {{20, Effect::count, "delivery", "host, network or time: the mailbox may live"}, not_delivered},
    {{23, Effect::ignore, "unclassified", "the default must be harmless"}, anything},
});

Suppression decide(const Facts& facts) {
  const auto rule = std::find_if(rules.begin(), rules.end(),
                                 [&](const Rule& candidate) { return candidate.applies(facts); });
  return {rule->row.effect, rule->row.row, std::string(rule->row.reason)};
}

std::optional<Suppression> decide(const OperatorRules& own, const Facts& facts) {
  const auto rule = std::find_if(own.begin(), own.end(), [&](const OperatorRule& candidate) {
    return applies(candidate, facts);
  });
  if (rule == own.end()) return std::nullopt;
  return Suppression{rule->effect, 0, rule->reason};
}

Suppression decide_complaint(const mail::Report& report) {
  if (report.feedback_type == "auth-failure" || report.feedback_type == "dmarc" ||
      report.feedback_type == "not-spam") {
    return {Effect::none, 4, "authentication"};
  }
  if (report.feedback_type == "opt-out") return {Effect::complaint, 5, "unsubscribe"};
  return {Effect::complaint, 3, "complaint"};
}

Suppression decide(const mail::Report& report, const mail::Reported& result,
                   const OperatorRules& own) {
  if (report.kind == mail::ReportKind::arf) return decide_complaint(report);
  if (report.kind == mail::ReportKind::autoreply) return {Effect::none, 2, "autoreply"};
  if (!result.failed()) return {Effect::none, 1, "not_final"};
  const Facts told(result, result.diagnostic);
  if (const auto decision = decide(own, told)) return *decision;
  if (const Suppression decision = decide(told); decision.row != 23) return decision;
  // What stands beside the recipient says nothing: the rest of the report may.
  const Facts around(result, result.diagnostic + '\n' + report.words);
  if (const auto decision = decide(own, around)) return *decision;
  return decide(around);
}

}  // namespace

std::string_view to_text(Effect effect) {
  switch (effect) {
    case Effect::none:
      return "none";
    case Effect::ignore:
      return "ignore";
    case Effect::count:
      return "count";
    case Effect::suppress:
      return "suppress";
    case Effect::complaint:
      return "complaint";
  }
  return "";
}

std::vector<SuppressionRow> suppression_rows() {
  std::vector<SuppressionRow> rows;
  for (const auto& rule : rules) rows.push_back(rule.row);
  return rows;
}

std::string_view Suppression::listed_as() const {
  return row == 0 && suppresses() ? std::string_view("hard") : std::string_view(reason);
}

Suppression suppression_for(const Evidence& evidence, const OperatorRules& own) {
  const Facts facts(evidence);
  if (const auto decision = decide(own, facts)) return *decision;
  return decide(facts);
}

Suppression suppression_for(const mail::Report& report, const mail::Reported& result,
                            const OperatorRules& own) {
  const Suppression decision = decide(report, result, own);
  if (report.of_others && decision.suppresses()) return {Effect::none, 2, "of_others"};
  return decision;
}

}  // namespace ecrelay::policy

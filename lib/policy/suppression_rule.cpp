#include "policy/suppression_rule.h"

#include <algorithm>
#include <array>
#include <string>

#include "core/text.h"
#include "policy/reply_text.h"

namespace ecrelay::policy {
namespace {

using smtp::Stage;

/// Evidence, read once for all rows.
struct Facts {
  explicit Facts(const Evidence& evidence)
      : stage(evidence.stage),
        code(evidence.reply.code),
        text(evidence.reply.enhanced, evidence.reply.text),
        server(text::lowered(evidence.server)) {
    const auto at = evidence.recipient.rfind('@');
    if (at == std::string_view::npos) return;
    local = evidence.recipient.substr(0, at);
    domain = text::lowered(evidence.recipient.substr(at + 1));
  }

  bool in_domain(std::string_view name) const {
    if (!domain.ends_with(name)) return false;
    return domain.size() == name.size() || domain[domain.size() - name.size() - 1] == '.';
  }

  Stage stage;
  int code;
  ReplyText text;
  std::string server;
  std::string local;
  std::string domain;
};

bool temporary(const Facts& facts) {
  return facts.code / 100 != 5 || facts.text.has_class(4) || facts.text.says(Topic::temporary);
}

/// Also when the upstream tells of a later stage at somebody else's: Postfix's "(in reply to end of
/// DATA command)", Exim's "after end of data".
bool elsewhere_than_rcpt(const Facts& facts) {
  return facts.stage != Stage::rcpt || facts.text.contains("end of data");
}

bool about_sender(const Facts& facts) { return facts.text.says(Topic::sender); }

bool edge_blocked(const Facts& facts) {
  constexpr std::string_view microsoft = "protection.outlook.com";
  return facts.text.has({5, 4, 1}) && facts.text.says(Topic::access) &&
         (facts.server.ends_with(microsoft) || facts.text.contains(microsoft));
}

bool about_reputation(const Facts& facts) {
  return facts.text.has({5, 7, any_detail}) || facts.text.says(Topic::reputation) ||
         facts.text.says(Topic::relay) || facts.text.says(Topic::login);
}

bool about_rate(const Facts& facts) { return facts.text.says(Topic::rate); }

bool about_content(const Facts& facts) { return facts.text.says(Topic::content); }

bool about_size(const Facts& facts) {
  return facts.text.says(Topic::size) || facts.text.says(Topic::line);
}

bool mailbox_full(const Facts& facts) { return facts.text.says(Topic::full); }

/// docomo and au say "unknown user" for what their subscriber's filter refused: docomo with
/// 5.2.0, 5.3.0 or 5.0.0 instead of 5.1.1, au (and its resellers) without the address.
bool carrier_filter(const Facts& facts) {
  const bool docomo =
      facts.in_domain("docomo.ne.jp") &&
      (facts.text.has({5, 2, 0}) || facts.text.has({5, 3, 0}) || facts.text.has({5, 0, 0}));
  // An address before the colon would have been taken out together with it.
  return docomo || facts.text.contains(": user unknown");
}

bool recipient_filter(const Facts& facts) { return facts.text.says(Topic::filter); }

/// a..b@docomo.ne.jp: a relay in between may refuse the syntax of a mailbox that lives.
bool odd_local_refused(const Facts& facts) {
  const bool odd = facts.local.find("..") != std::string::npos || facts.local.starts_with('.') ||
                   facts.local.ends_with('.') || facts.local.starts_with('"');
  return odd && (facts.text.has({5, 1, 3}) || facts.code == 501 || facts.code == 553);
}

bool unknown_user(const Facts& facts) {
  constexpr std::array<Status, 5> plain = {
      {{5, 1, 1}, {5, 1, 10}, {5, 1, 351}, {5, 1, 3}, {5, 1, 6}}};
  const auto said = [&](const Status& status) { return facts.text.has(status); };
  if (facts.code == 551 || std::any_of(plain.begin(), plain.end(), said)) return true;
  const bool vague = facts.text.only_generic() || facts.text.has({5, 1, 0}) ||
                     facts.text.has({5, 5, 0}) || facts.text.has({5, 3, 0}) ||
                     facts.text.has({5, 2, 1});
  return vague && facts.text.says(Topic::unknown_user);
}

bool anything(const Facts&) { return true; }

struct Rule {
  SuppressionRow row;
  bool (*applies)(const Facts&);
};

// A later issue turns `none` into a counted point where the decision table says so.
constexpr auto rules = std::to_array<Rule>({
    {{6, Effect::none, "temporary", "RFC 5321 4.2.1: 4yz is not final, nor what says so itself"},
     temporary},
    {{7, Effect::none, "stage", "only RCPT names the address: the rest is about us or the message"},
     elsewhere_than_rcpt},
    {{8, Effect::none, "sender", "5.1.7, 5.1.8; SoftBank, J:COM: envelope domain without DNS"},
     about_sender},
    {{15, Effect::suppress, "hard", "Microsoft directory-based edge blocking: no such recipient"},
     edge_blocked},
    {{9, Effect::none, "reputation", "block lists, SPF/DKIM/DMARC, PTR; 38 of 46 corpus 5.7.1"},
     about_reputation},
    {{10, Effect::none, "rate", "Gmail 5.2.1 too quickly; hosts with 5.1.1 and an hourly limit"},
     about_rate},
    {{11, Effect::none, "content", "the same mail would fail everywhere"}, about_content},
    {{12, Effect::none, "size", "au 3 MB, docomo, SoftBank: about this mail"}, about_size},
    {{13, Effect::none, "full", "a full mailbox has an owner"}, mailbox_full},
    {{14, Effect::none, "carrier_filter", "docomo and au hide a subscriber's filter in the words"},
     carrier_filter},
    {{22, Effect::none, "filter", "personal filter; Facebook RCP-P2 says 5.1.1"}, recipient_filter},
    {{16, Effect::none, "odd_local_part", "a relay's syntax refusal proves nothing (docomo, au)"},
     odd_local_refused},
    {{16, Effect::suppress, "hard", "unknown user at RCPT: 106 of 112 corpus 5.1.1 are true"},
     unknown_user},
    {{23, Effect::none, "unclassified", "the default must be harmless"}, anything},
});

}  // namespace

std::vector<SuppressionRow> suppression_rows() {
  std::vector<SuppressionRow> rows;
  for (const auto& rule : rules) rows.push_back(rule.row);
  return rows;
}

Suppression suppression_for(const Evidence& evidence) {
  const Facts facts(evidence);
  const auto rule = std::find_if(rules.begin(), rules.end(),
                                 [&](const Rule& candidate) { return candidate.applies(facts); });
  return {rule->row.effect, rule->row.row, rule->row.reason};
}

}  // namespace ecrelay::policy

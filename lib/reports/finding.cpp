#include "reports/finding.h"

#include <algorithm>

#include "core/text.h"
#include "mail/address.h"
#include "policy/suppression_rule.h"

namespace ecrelay::reports {
namespace {

struct Judged {
  const mail::Reported* result;
  policy::Suppression decision;
};

bool names(const std::string& address, const std::string& key) {
  const auto parsed = mail::parse_address(address, mail::Utf8::allowed);
  return parsed && parsed->key() == key;
}

/// Nothing when the report has no results.
std::optional<Judged> judge(const mail::Report& report, const std::string& key,
                            const policy::OperatorRules& own) {
  std::optional<Judged> least;
  for (const mail::Reported& each : report.results) {
    const Judged judged{&each, policy::suppression_for(report, each, own)};
    if (names(each.original_recipient, key) || names(each.recipient, key)) return judged;
    if (!least || judged.decision.effect < least->decision.effect) least = judged;
  }
  return least;
}

/// The diagnostic on one line, as the list shows it.
std::string one_line(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!blank) {
      result += c;
    } else if (!result.empty() && result.back() != ' ') {
      result += ' ';
    }
  }
  if (result.ends_with(' ')) result.pop_back();
  return result;
}

std::optional<records::Weight> weight_of(const policy::Suppression& decision) {
  switch (decision.effect) {
    case policy::Effect::suppress:
    case policy::Effect::complaint:
      return records::Weight::entry;
    case policy::Effect::count:
      return decision.about_mailbox() ? records::Weight::mailbox_point
                                      : records::Weight::delivery_point;
    case policy::Effect::none:
    case policy::Effect::ignore:
      break;
  }
  return std::nullopt;
}

}  // namespace

Finding finding_of(const mail::Report& report, const Subject& subject, TimePoint at,
                   const policy::OperatorRules& own) {
  Finding finding;
  records::Report& row = finding.report;
  row.message = subject.path.message;
  row.recipient = subject.path.recipient;
  row.at = at;
  const auto judged = judge(report, subject.addressee.key, own);
  if (!judged) {
    row.kind = "unreadable";
    row.decision = policy::to_text(policy::Effect::none);
    row.reason = "unreadable";
    row.text = one_line(report.words);
    return finding;
  }
  const mail::Reported& result = *judged->result;
  row.kind = mail::to_text(report.kind);
  row.action = result.action;
  row.status = result.status;
  row.reply = result.reply;
  row.decision = policy::to_text(judged->decision.effect);
  row.reason = judged->decision.reason;
  row.text = one_line(result.diagnostic.empty() ? report.words : result.diagnostic);
  const auto weight = weight_of(judged->decision);
  if (!weight) return finding;

  records::SuppressionEntry entry;
  entry.shop = subject.addressee.shop;
  entry.key = subject.addressee.key;
  entry.address = subject.addressee.address;
  entry.reason = judged->decision.listed_as();
  entry.since = at;
  entry.evidence = "report (" + row.kind + "): " + row.text;
  entry.message = subject.path.message;
  entry.actor = "relay";
  finding.sign = records::Sign{*weight, std::move(entry)};
  return finding;
}

}  // namespace ecrelay::reports

#include "control/suppression_changes.h"

#include <memory>
#include <utility>

#include "config/units.h"
#include "control/arguments.h"
#include "control/clearance.h"
#include "control/criteria.h"
#include "control/forms.h"
#include "control/suppression_answers.h"
#include "control/suppression_file.h"
#include "core/escape.h"
#include "log/events.h"
#include "store/audit.h"
#include "store/suppression.h"

namespace ecrelay::control {
namespace {

struct Addition {
  records::SuppressionEntry entry;
  records::AuditRow audit;
};

void write_addition(Addition& addition, store::Transaction& change) {
  addition.entry.id = store::suppress(change, addition.entry);
  addition.audit.detail = "entry " + std::to_string(addition.entry.id);
  store::audit(change, addition.audit);
}

Reply tell_addition(const Addition& addition, const Ports& ports) {
  const records::SuppressionEntry& entry = addition.entry;
  ports.suppression_changed(entry.key);
  const std::string id = std::to_string(entry.id);
  log::suppressed(log::ListEntry{id, entry.shop, entry.key, entry.reason}, std::nullopt, {});
  tell_log(addition.audit);
  return to_json(entry, addition.audit.at);
}

/// Argument "for", counted from now; nothing means for good.
std::optional<TimePoint> end_in(Arguments& given, TimePoint now) {
  const auto text = given.text("for");
  if (!text) return std::nullopt;
  const auto duration = config::parse_duration(*text);
  if (!duration || *duration <= Duration::zero()) {
    given.wrong("'" + printable(*text, 64) + "' is no duration like 30d or 12h");
    return std::nullopt;
  }
  return now + *duration;
}

}  // namespace

Result<Change> plan_addition(const Question& question, const Caller& caller) {
  Arguments given(question.arguments);
  auto addition = std::make_shared<Addition>();
  records::SuppressionEntry& entry = addition->entry;
  const auto address = address_in(given);
  entry.shop = given.text("shop").value_or("");
  entry.expires_at = end_in(given, question.now);
  const std::string reason = reason_in(given);
  entry.evidence = given.text("evidence").value_or(reason);
  entry.reason = is_reason(reason) ? reason : "manual";
  if (const auto fault = fault_of(entry); fault && !reason.empty()) given.wrong(*fault);
  if (auto wrong = given.problem()) return *wrong;
  if (!entry.shop.empty()) {
    if (auto unknown = unknown_shop(entry.shop, question.settings)) return *unknown;
  }
  addition->audit = audit_row("suppression add", question, caller);
  addition->audit.target = address->key();
  addition->audit.reason = reason;
  entry.key = address->key();
  entry.address = address->text();
  entry.since = question.now;
  entry.actor = addition->audit.actor;

  Change change;
  change.work = [addition](store::Transaction& rows) { write_addition(*addition, rows); };
  change.done = [addition](const Ports& ports) { return tell_addition(*addition, ports); };
  return change;
}

Result<Change> plan_clearance(const Question& question, const Caller& caller) {
  Arguments given(question.arguments);
  store::SuppressionFilter filter;
  filter.domain = domain_in(given);
  filter.shop = given.text("shop");
  std::optional<mail::Address> address;
  if (filter.domain) {
    filter.from = time_in(given, "since");
    filter.to = time_in(given, "before");
  } else {
    address = address_in(given);
  }
  auto clearance = std::make_shared<Clearance>();
  clearance->until = end_in(given, question.now);
  const std::string reason = reason_in(given);
  if (auto wrong = given.problem()) return *wrong;

  clearance->audit = audit_row("suppression clear", question, caller);
  clearance->audit.target = address ? address->key() : "@" + *filter.domain;
  clearance->audit.reason = reason;
  if (address) {
    clearance->complaints = true;
    clearance->clear(address->key(), filter.shop);
  } else {
    clearance->wanted = is_said_by_servers;
    clear_all(*clearance, filter, question.book);
  }
  return carried_out(std::move(clearance));
}

}  // namespace ecrelay::control

#include "control/changes.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "control/arguments.h"
#include "control/criteria.h"
#include "control/deeds.h"
#include "control/interventions.h"
#include "control/json.h"
#include "control/money_changes.h"
#include "control/month_archive.h"
#include "control/suppression_changes.h"
#include "control/suppression_file.h"
#include "control/waves.h"
#include "log/events.h"
#include "store/audit.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;

// --- queue.retry --------------------------------------------------------------------------

struct Retry {
  store::QueueFilter filter;
  TimePoint at;
  records::AuditRow audit;
  std::int64_t count = 0;
};

void write_retry(Retry& retry, store::Transaction& change) {
  retry.count = store::retry(change, retry.filter, retry.at);
  if (retry.count == 0) return;
  retry.audit.detail = std::to_string(retry.count) + " recipients due now";
  store::audit(change, retry.audit);
}

Reply tell_retry(const Retry& retry, const Ports& ports) {
  if (retry.count == 0) {
    return Fault{FaultCode::not_found, "nothing queued" + in_words(retry.filter)};
  }
  ports.retried(retry.filter, retry.at);
  tell_log(retry.audit);
  json::object answer;
  answer["retried"] = retry.count;
  return answer;
}

Result<Change> plan_retry(const Question& question, const Caller& caller) {
  Arguments given(question.arguments);
  auto retry = std::make_shared<Retry>();
  retry->filter = queue_filter_in(given);
  retry->at = question.now;
  retry->audit = audit_row("queue retry", question, caller);
  retry->audit.reason = given.text("reason").value_or("");
  const bool all = given.flag("all");
  const bool some = retry->filter.message || retry->filter.shop || retry->filter.domain;
  if (all == some) given.wrong("say which: a message, a shop, a domain, or all");
  if (auto wrong = given.problem()) return *wrong;
  retry->audit.target = all ? "all" : in_words(retry->filter).substr(1);
  if (retry->filter.message && !question.book.trace(*retry->filter.message)) {
    return not_found("no message " + retry->filter.message->text());
  }
  if (retry->filter.shop) {
    if (auto unknown = unknown_shop(*retry->filter.shop, question.settings)) return *unknown;
  }
  Change change;
  change.work = [retry](store::Transaction& rows) { write_retry(*retry, rows); };
  change.done = [retry](const Ports& ports) { return tell_retry(*retry, ports); };
  return change;
}

struct ChangeCommand {
  std::string_view name;
  Result<Change> (*plan)(const Question& question, const Caller& caller);
};

constexpr auto changes = std::to_array<ChangeCommand>({
    {"queue.retry", plan_retry},
    {"queue.hold", plan_hold},
    {"queue.release", plan_release},
    {"queue.cancel", plan_cancel},
    {"suppression.add", plan_addition},
    {"suppression.clear", plan_clearance},
    {"suppression.import", plan_import},
    {"suppression.undo", plan_undo},
    {"suppression.parked.release", plan_release_parked},
    {"suppression.parked.drop", plan_drop_parked},
    {"month.close", plan_month_close},
    {"month.archive", plan_archive},
    {"ledger.reverse", plan_reversal},
    {"ledger.adjust", plan_adjustment},
    {"audit.note", plan_note},
});

const ChangeCommand* find(std::string_view command) {
  const auto* found = std::find_if(changes.begin(), changes.end(),
                                   [&](const ChangeCommand& each) { return each.name == command; });
  return found == changes.end() ? nullptr : found;
}

}  // namespace

records::AuditRow audit_row(std::string action, const Question& question, const Caller& caller) {
  records::AuditRow row;
  row.at = question.now;
  row.actor = caller.actor();
  row.origin = caller.origin();
  row.action = std::move(action);
  return row;
}

void tell_log(const records::AuditRow& row) {
  std::string text = row.target + ": " + row.detail;
  if (!row.reason.empty()) text += " (" + row.reason + ")";
  log::admin_acted(row.actor, row.action, text);
}

bool is_change(std::string_view command) { return find(command) != nullptr; }

Result<Change> plan_change(std::string_view command, const Question& question,
                           const Caller& caller) {
  const ChangeCommand* found = find(command);
  if (found == nullptr) return unknown_command(command);
  return found->plan(question, caller);
}

}  // namespace ecrelay::control

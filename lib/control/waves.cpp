#include "control/waves.h"

#include <boost/json/array.hpp>

#include <memory>
#include <utility>
#include <vector>

#include "control/arguments.h"
#include "control/clearance.h"
#include "control/criteria.h"
#include "control/forms.h"
#include "control/json.h"
#include "core/escape.h"
#include "log/events.h"
#include "store/audit.h"
#include "store/parked.h"
#include "store/suppression.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;

constexpr std::size_t most_at_once = 10'000;

std::string required_domain(Arguments& given) {
  auto domain = domain_in(given);
  if (!domain) given.wrong("domain is missing: say whose wave it was");
  return domain.value_or("");
}

struct Decided {
  std::string domain;
  bool release = false;
  bool dry_run = false;
  records::AuditRow audit;
  std::vector<records::SuppressionEntry> entries;
};

void write_decided(Decided& decided, store::Transaction& change) {
  decided.entries = store::take_parked(change, decided.domain, most_at_once);
  if (decided.entries.empty()) return;
  if (decided.release) {
    for (auto& entry : decided.entries) {
      entry.dry_run = decided.dry_run;
      entry.id = store::suppress(change, entry);
    }
  }
  decided.audit.detail = std::to_string(decided.entries.size()) + " candidates";
  store::audit(change, decided.audit);
}

Reply tell_decided(const Decided& decided, const Ports& ports) {
  if (decided.entries.empty()) {
    return Fault{FaultCode::not_found,
                 "nothing of @" + printable(decided.domain, 255) + " is parked"};
  }
  ports.parked_by(-static_cast<std::int64_t>(decided.entries.size()));
  if (decided.release) {
    for (const auto& entry : decided.entries) {
      ports.suppression_changed(entry.key);
      const std::string id = std::to_string(entry.id);
      log::suppressed(log::ListEntry{id, entry.shop, entry.key, entry.reason, entry.dry_run},
                      entry.message, log::Answer{0, {}, entry.evidence});
    }
  }
  tell_log(decided.audit);
  json::object answer;
  answer["domain"] = json_text(decided.domain);
  answer["count"] = decided.entries.size();
  answer["released"] = decided.release;
  answer["more"] = decided.entries.size() == most_at_once;
  return answer;
}

Result<Change> plan_decision(const Question& question, const Caller& caller, bool release) {
  Arguments given(question.arguments);
  auto decided = std::make_shared<Decided>();
  decided->domain = required_domain(given);
  const std::string reason = reason_in(given);
  if (auto wrong = given.problem()) return *wrong;
  decided->release = release;
  decided->dry_run = question.settings.suppression.dry_run;
  decided->audit = audit_row(release ? "suppression parked release" : "suppression parked drop",
                             question, caller);
  decided->audit.target = "@" + decided->domain;
  decided->audit.reason = reason;
  Change change;
  change.work = [decided](store::Transaction& rows) { write_decided(*decided, rows); };
  change.done = [decided](const Ports& ports) { return tell_decided(*decided, ports); };
  return change;
}

bool is_of_a_wave(std::string_view reason) { return reason == "hard" || reason == "domain"; }

/// Arguments "domain", "from" and "to": what the relay listed of the domain in that time.
store::SuppressionFilter own_findings_in(Arguments& given) {
  store::SuppressionFilter filter;
  filter.domain = required_domain(given);
  filter.from = time_in(given, "from");
  filter.to = time_in(given, "to");
  if (!filter.from || !filter.to) given.wrong("say from when to when: --from TIME --to TIME");
  filter.actor = "relay";
  return filter;
}

}  // namespace

Result<Change> plan_undo(const Question& question, const Caller& caller) {
  Arguments given(question.arguments);
  const store::SuppressionFilter filter = own_findings_in(given);
  const std::string reason = reason_in(given);
  if (auto wrong = given.problem()) return *wrong;

  auto clearance = std::make_shared<Clearance>();
  clearance->wanted = is_of_a_wave;
  clearance->audit = audit_row("suppression undo", question, caller);
  clearance->audit.target = "@" + *filter.domain;
  clearance->audit.reason = reason;
  clear_all(*clearance, filter, question.book);
  return carried_out(std::move(clearance));
}

Answer preview_undo(const Question& question) {
  Arguments given(question.arguments);
  const store::SuppressionFilter filter = own_findings_in(given);
  given.text("reason");
  if (auto wrong = given.problem()) return *wrong;
  return preview(filter, is_of_a_wave, question.book);
}

Result<Change> plan_release_parked(const Question& question, const Caller& caller) {
  return plan_decision(question, caller, true);
}

Result<Change> plan_drop_parked(const Question& question, const Caller& caller) {
  return plan_decision(question, caller, false);
}

}  // namespace ecrelay::control

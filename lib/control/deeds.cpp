#include "control/deeds.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include "control/arguments.h"
#include "control/json.h"
#include "store/audit.h"

namespace ecrelay::control {

namespace {

constexpr std::array<std::string_view, 3> deeds = {"backup", "dkim new", "dkim rotate"};

}  // namespace

Result<Change> plan_note(const Question& question, const Caller& caller) {
  Arguments given(question.arguments);
  auto row =
      std::make_shared<records::AuditRow>(audit_row(given.required("action"), question, caller));
  row->target = given.required("target");
  if (std::find(deeds.begin(), deeds.end(), row->action) == deeds.end())
    given.wrong("'action' is what ecrelayctl does by itself");
  if (auto wrong = given.problem()) return *wrong;
  Change change;
  change.work = [row](store::Transaction& rows) { store::audit(rows, *row); };
  change.done = [row](const Ports&) -> Reply {
    tell_log(*row);
    return boost::json::object();
  };
  return change;
}

void note_deed(const Whereabouts& place, Consultation& done, const std::string& action,
               const std::string& target) {
  if (std::holds_alternative<Fault>(done.reply)) return;
  Request request;
  request.command = "audit.note";
  request.arguments["action"] = action;
  request.arguments["target"] = json_text(target);
  const Consultation noted = consult(place, request, {});
  const auto* fault = std::get_if<Fault>(&noted.reply);
  if (fault == nullptr || fault->code == FaultCode::unavailable) return;
  done.notes.push_back("this does not stand in the audit: " + fault->message);
}

}  // namespace ecrelay::control

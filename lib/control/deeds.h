#pragma once

#include <string>

#include "control/changes.h"
#include "control/consult.h"

/// What ecrelayctl has done itself, without the daemon, in the audit beside what the daemon did.
namespace ecrelay::control {

/// audit.note: `action` (backup, dkim new, dkim rotate) and `target`, as the caller says.
Result<Change> plan_note(const Question& question, const Caller& caller);

/// Has the daemon note what was done. Without a daemon nobody does: before the first start there is
/// no book. Where it is there and does not, `done` has a note for the operator.
void note_deed(const Whereabouts& place, Consultation& done, const std::string& action,
               const std::string& target);

}  // namespace ecrelay::control

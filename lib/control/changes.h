#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "control/answers.h"
#include "control/caller.h"
#include "control/server.h"
#include "records/audit.h"
#include "store/database.h"

namespace ecrelay::control {

/// A change that was understood: what to write, and what to say once it is on disk. The parts
/// share what the writing found out.
struct Change {
  /// Before the writing, on the network thread; a fault and nothing is written. May be empty.
  std::function<std::optional<Fault>(const Ports& ports)> begin;
  /// For Writer::change; leaves an audit row in the same transaction when it changed anything.
  std::function<void(store::Transaction&)> work;
  /// Once `work` is on disk, in transactions of their own until it says that there is no more. What
  /// an interruption leaves undone must be in nobody's way. May be empty.
  std::function<bool(store::Transaction&)> rest;
  /// After the commit, on the network thread: tells the rest of the daemon and the log, and makes
  /// the reply.
  std::function<Reply(const Ports& ports)> done;
  /// Instead of `done` when it could not be written: undoes `begin`. May be empty.
  std::function<void(const Ports& ports)> failed;
};

/// The audit row of a change, still without target and detail; and its line in the log.
records::AuditRow audit_row(std::string action, const Question& question, const Caller& caller);
void tell_log(const records::AuditRow& row);

/// queue.retry, .hold, .release and .cancel, suppression.add, .clear, .import, .undo and .parked,
/// month.close and .archive, ledger.reverse and .adjust, audit.note.
bool is_change(std::string_view command);

/// Reads only. Not on the network thread: may ask the book and a name service.
Result<Change> plan_change(std::string_view command, const Question& question,
                           const Caller& caller);

}  // namespace ecrelay::control

#pragma once

#include <functional>
#include <string_view>

#include "control/answers.h"
#include "control/caller.h"
#include "control/server.h"
#include "store/database.h"

namespace ecrelay::control {

/// A change that was understood: what to write, and what to say once it is on disk. The parts
/// share what the writing found out.
struct Change {
  /// For Writer::change; leaves an audit row in the same transaction when it changed anything.
  std::function<void(store::Transaction&)> work;
  /// After the commit, on the network thread: tells the rest of the daemon and the log, and makes
  /// the reply.
  std::function<Reply(const Ports& ports)> done;
};

/// queue.retry, suppression.add and suppression.clear.
bool is_change(std::string_view command);

/// Reads only. Not on the network thread: may ask the book and a name service.
Result<Change> plan_change(std::string_view command, const Question& question,
                           const Caller& caller);

}  // namespace ecrelay::control

#pragma once

#include <chrono>
#include <string>

#include "control/wire.h"
#include "core/result.h"

namespace ecrelay::control {

/// Asks the daemon at the Unix socket `path` one thing and waits for the reply, at most
/// `patience`. An Error says that no daemon was reached: not_found or unavailable when nobody
/// listens there, refused without permission. Once it was reached every trouble is a Fault of the
/// reply, because then nobody can say what was done.
Result<Reply> ask(const std::string& path, const Request& request,
                  std::chrono::seconds patience = std::chrono::seconds(120));

}  // namespace ecrelay::control

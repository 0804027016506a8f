#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "control/consult.h"
#include "control/wire.h"

namespace ecrelay::control {

/// `send-test`: has the daemon send a mail for a shop, and follows it to its end. The daemon's part
/// is the command send.test; the rest is traces.
struct TestOrder {
  Request request;                 ///< send.test with shop, to, perhaps from
  std::chrono::seconds wait{120};  ///< for its end; then it is told as it stands
};

/// `told` hears each change of its state ("queued", "sent"). Result: the trace, and "ok", which is
/// whether it was sent.
Consultation send_test(const Whereabouts& place, const TestOrder& order,
                       const std::function<void(const std::string&)>& told);

}  // namespace ecrelay::control

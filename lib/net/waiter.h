#pragma once

#include <boost/asio/steady_timer.hpp>

#include "net/awaitable.h"

namespace ecrelay::net {

/// Waits until the timer runs out or is cancelled; a stop request cancels it when `stoppable`.
asio::awaitable<void> wait_for(asio::steady_timer& timer, bool stoppable);

[[noreturn]] void throw_stopped();

}  // namespace ecrelay::net

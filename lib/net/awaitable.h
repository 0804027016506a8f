#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

#include <chrono>

namespace ecrelay {
namespace asio = boost::asio;
}

namespace ecrelay::net {

/// Deadlines are points of the steady clock: a jump of the wall clock moves none of them.
using Deadline = std::chrono::steady_clock::time_point;
inline constexpr Deadline no_deadline = Deadline::max();

inline Deadline after(std::chrono::steady_clock::duration time) {
  return std::chrono::steady_clock::now() + time;
}

}  // namespace ecrelay::net

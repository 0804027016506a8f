#pragma once

#include <exception>
#include <functional>
#include <string>

namespace ecrelay::log {

/// For those who run tasks: logs what a task let out as an internal error at this place.
std::function<void(const std::exception_ptr&)> failure_teller(std::string where);

}  // namespace ecrelay::log

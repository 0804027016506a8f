#include "log/failure.h"

#include <utility>

#include "log/events.h"

namespace ecrelay::log {

std::function<void(const std::exception_ptr&)> failure_teller(std::string where) {
  return [where = std::move(where)](const std::exception_ptr& failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      internal_error(where, error.what());
    }
  };
}

}  // namespace ecrelay::log

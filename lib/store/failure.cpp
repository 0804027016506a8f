#include "store/failure.h"

#include <cerrno>
#include <system_error>

namespace ecrelay::store {

Failure system_failure(const std::string& what) {
  return Failure(what + ": " + std::generic_category().message(errno));
}

}  // namespace ecrelay::store

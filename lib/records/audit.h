#pragma once

#include <cstdint>
#include <string>

#include "core/time.h"

namespace ecrelay::records {

/// Who changed what by hand, from where, when and why: never changed, never removed.
struct AuditRow {
  std::int64_t id = 0;
  TimePoint at;
  std::string actor;   ///< OS user or login
  std::string origin;  ///< "socket uid=1000 pid=4242", "http 127.0.0.1"
  std::string action;  ///< "suppression clear"
  std::string target;
  std::string reason;
  std::string detail;
};

}  // namespace ecrelay::records

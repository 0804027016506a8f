#pragma once

#include <cstdint>
#include <string>

#include "core/time.h"
#include "core/ulid.h"

namespace ecrelay::records {

/// What came back by mail about a recipient: evidence beside its state, which stays as it is.
/// Texts are as the reporting side wrote them.
struct Report {
  Ulid message;
  std::uint32_t recipient = 0;
  TimePoint at;
  std::string kind;      ///< dsn, nonstandard, arf, autoreply, unreadable
  std::string action;    ///< failed, delayed, …; "" where the report names none
  std::string status;    ///< "5.1.1"; "" without
  std::string reply;     ///< "550"; "" without
  std::string decision;  ///< what policy made of it: suppress, count, ignore, complaint, none
  std::string reason;
  std::string text;  ///< the diagnostic; at most `max_reply` bytes are kept
};

}  // namespace ecrelay::records

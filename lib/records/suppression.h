#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/time.h"
#include "core/ulid.h"

namespace ecrelay::records {

/// An address that gets no mail. Open until `closed_at`, and blocking until `expires_at`.
struct SuppressionEntry {
  std::int64_t id = 0;  ///< given by the store
  std::string shop;     ///< "" is operator-wide
  std::string key;      ///< all spellings of the address share it
  std::string address;  ///< the spelling that was met
  std::string reason;   ///< hard, domain, soft-count, complaint, unsubscribe, manual
  TimePoint since;
  std::optional<TimePoint> expires_at;  ///< absent: for good
  std::string evidence;         ///< the very reply or report lines, or what the operator wrote
  std::optional<Ulid> message;  ///< the mail that showed it
  std::string actor;            ///< "relay", or who added it by hand
  std::optional<TimePoint> closed_at;
};

/// A line of an address's history: never changed, never removed.
struct SuppressionEvent {
  std::int64_t id = 0;
  TimePoint at;
  std::int64_t entry = 0;  ///< SuppressionEntry::id
  std::string shop;
  std::string key;
  std::string event;  ///< added, confirmed, replaced, lapsed, cleared
  std::string reason;
  std::string actor;
  std::string evidence;
  std::optional<Ulid> message;
};

}  // namespace ecrelay::records

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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
  std::optional<Ulid> trial;              ///< past its time: the message that tries the address
  std::optional<TimePoint> lifted_until;  ///< somebody lets mail through until then
  bool dry_run = false;                   ///< decided, shown, and holds nobody back
};

/// What an entry means for mail at a moment.
enum class Standing {
  blocks,
  dry_run,
  lifted,    ///< until then
  over,      ///< it had an end, and was no finding of the relay: nothing is to be tried
  untried,   ///< past its time: the next message tries whether the address lives
  on_trial,  ///< one message tries; all others are held back
  alive,     ///< that message was delivered and nothing came back
  closed,
};
std::string_view text(Standing standing);  ///< the enumerator's own name

/// Whether mail is held back.
constexpr bool holds_back(Standing standing) {
  return standing == Standing::blocks || standing == Standing::on_trial;
}

/// How much mail the list has held back from an address.
struct HeldBack {
  std::int64_t recipients = 0;
  std::optional<TimePoint> last;
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

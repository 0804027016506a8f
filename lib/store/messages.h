#pragma once

#include <optional>
#include <vector>

#include "records/message.h"
#include "store/database.h"

namespace ecrelay::store {

/// How long a shop's idempotency key stands for its first message. Sidekiq repeats a failed job
/// for three weeks (DESIGN "Facts about the ground").
inline constexpr Duration idempotency_lifetime = std::chrono::days(32);

/// Writes a message with its recipients, totals and idempotency key; recipients that are final at
/// once are finished, and counted, at the time of acceptance. When the shop has used the
/// key within its lifetime, nothing is written and the first message's id comes back. A new key
/// removes up to 4 that are past theirs, so that there are never many and no insert is held up.
std::optional<Ulid> insert(Transaction& change, const records::Message& message,
                           const std::vector<records::Recipient>& recipients);

/// Where the body is now; nothing when there is no such message.
std::optional<records::Location> location_of(Connection& book, const Ulid& id);

/// Makes an insert() undone, as if it had never been; false when there is no such message. Only
/// for messages that nobody was promised and nothing has acted upon.
bool take_back(Transaction& change, const Ulid& id);

}  // namespace ecrelay::store

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/time.h"
#include "core/ulid.h"
#include "store/database.h"

/// What operators do to recipients that are not final yet. Nobody may be delivering the message
/// meanwhile: an outcome `sent` would find its recipient cancelled, and be refused by the book.
namespace ecrelay::store {

/// Which recipients: those of a message, or only its recipients of one domain.
struct Chosen {
  Ulid message;
  std::optional<std::string> domain;  ///< as keys have it
};

/// Queued recipients become held: not tried and not expired until they are released. How many.
std::int64_t hold(Transaction& change, const Chosen& chosen);
/// Held recipients become queued, due at `now`. How many.
std::int64_t release(Transaction& change, const Chosen& chosen, TimePoint now);

struct Cancelled {
  std::int64_t queued = 0;  ///< recipients that were queued before
  std::int64_t held = 0;
};
/// Queued and held recipients become cancelled at `now` for good, counted on its day, never
/// charged. `why` is shown where the last reply would be.
Cancelled cancel(Transaction& change, const Chosen& chosen, TimePoint now, const std::string& why);

}  // namespace ecrelay::store

#pragma once

#include <vector>

#include "records/list_rules.h"
#include "store/database.h"

namespace ecrelay::store {

/// What a sign came to.
struct Weighed {
  std::vector<records::SuppressionEntry> listed;  ///< opened or confirmed, with their ids
  bool parked = false;  ///< its domain is in a wave: somebody has to look (parked.h)
};

/// Weighs a piece of evidence about an address against what the book knows of it, and lists the
/// address when it is enough:
/// - A point counts once a JST day, kind and shop; points beyond the window, or from before a
///   delivery that stayed quiet, do not. Enough of them become an entry `soft-count`.
/// - An entry lasts longer each time the address comes back for the same reason.
/// - `hard` and `domain` of several shops become an entry for every shop; other reasons never do.
/// - In a wave (ListRules::wave_…) a `hard` sign is parked instead.
Weighed weigh(Transaction& change, const records::Sign& sign, const records::ListRules& rules);

}  // namespace ecrelay::store

#pragma once

#include <vector>

#include "records/list_rules.h"
#include "store/database.h"
#include "store/parked.h"

namespace ecrelay::store {

/// What a sign came to.
struct Weighed {
  std::vector<records::SuppressionEntry> listed;  ///< opened or confirmed, with their ids
  bool parked = false;  ///< its domain is in a wave: somebody has to look (parked.h)
  Wave wave;            ///< where it is news, somebody has to be told
};

/// Weighs a piece of evidence about an address against what the book knows of it, and lists the
/// address when it is enough:
/// - A point counts once a JST day, kind and shop; points beyond the window, or from before a
///   delivery that stayed quiet, do not. Enough of them become an entry `soft-count`.
/// - An entry lasts longer each time the address comes back for the same reason.
/// - In a dry run (ListRules::dry_run) the entries hold nobody back.
/// - `hard` and `domain` of several shops become an entry for every shop; other reasons never do.
/// - What comes back about the trial of an entry (trial.h) renews that entry, whatever it weighs.
/// - In a wave (ListRules::wave_…) a `hard` sign is parked instead.
Weighed weigh(Transaction& change, const records::Sign& sign, const records::ListRules& rules);

}  // namespace ecrelay::store

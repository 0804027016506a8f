#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/difference.h"
#include "configuration.h"
#include "core/result.h"
#include "store/inquiry.h"

namespace ecrelay {

/// What a reload would put in force, found acceptable.
struct Proposal {
  Configuration configuration;
  std::vector<config::Difference> changes;
  std::vector<std::string> warnings;
  bool new_prices = false;  ///< the book does not know all of its prices yet
};

/// Reads the configuration file anew beside the one in force, and decides whether a running relay
/// may take it. All or nothing (P11), so that what runs is always what one file says: `invalid`
/// says what is wrong with the file; `conflict` which changes need a restart, which upstream, shop
/// or domain is gone and still has mail (it would be sent by a route, or charged at a price, that
/// nobody meant, or wait for ever for a key), and which price would change the past. A line each.
/// Not for the network thread.
Result<Proposal> propose(const std::filesystem::path& file, const Known& in_force,
                         const std::string& book, TimePoint at);

/// Notes the configuration's prices in this transaction. Throws store::Refused with what would
/// change the past.
void note_prices(store::Transaction& change, const config::Settings& settings, TimePoint at);

}  // namespace ecrelay

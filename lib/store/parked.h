#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "records/list_rules.h"
#include "store/database.h"

namespace ecrelay::store {

/// True while hard signs of the domain are not to be believed: a wave is under way, or its
/// candidates still wait for somebody to look. Reads as many of the newest recipients as it needs
/// to be sure, at most 100,000.
bool in_wave(Connection& book, std::string_view domain, TimePoint now,
             const records::ListRules& rules);

/// Keeps the entry that would have been made, until it is released or dropped. One a key and shop.
void park(Transaction& change, const records::SuppressionEntry& entry, std::string_view domain);

/// Takes the parked candidates of a domain out, the oldest first, at most `limit`.
std::vector<records::SuppressionEntry> take_parked(Transaction& change, std::string_view domain,
                                                   std::int64_t limit);

/// What is behind the @ of a key.
std::string_view domain_of(std::string_view key);

}  // namespace ecrelay::store

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "records/list_rules.h"
#include "store/database.h"

namespace ecrelay::store {

/// Whether hard signs of a domain are to be believed.
struct Wave {
  std::string domain;
  bool under_way = false;    ///< now, or its candidates still wait for somebody to look
  bool news = false;         ///< nothing of the domain was parked before
  std::int64_t unknown = 0;  ///< in the window that shows it, the one at hand included; when news
  std::int64_t finals = 0;
};

/// Counts the hard sign at hand and looks whether it belongs to a wave (ListRules::wave_…): among
/// those told of before `now`, or, when it is a report about a mail that was `sent` up to 48 hours
/// ago, among what was sent around then. About 20 us, and a millisecond while far too many of a
/// domain are unknown.
Wave count_unknown(Transaction& change, std::string_view domain, TimePoint now,
                   std::optional<TimePoint> sent, const records::ListRules& rules);

/// Counts recipients that became final.
void count_finals(Transaction& change, std::string_view domain, TimePoint now,
                  std::int64_t recipients, const records::ListRules& rules);

/// Keeps the entry that would have been made, until it is released or dropped. One a key and shop.
void park(Transaction& change, const records::SuppressionEntry& entry, std::string_view domain);

/// Takes the parked candidates of a domain out, the oldest first, at most `limit`.
std::vector<records::SuppressionEntry> take_parked(Transaction& change, std::string_view domain,
                                                   std::int64_t limit);

/// What is behind the @ of a key.
std::string_view domain_of(std::string_view key);

}  // namespace ecrelay::store

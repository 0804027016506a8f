#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "records/suppression.h"
#include "store/database.h"

namespace ecrelay::store {

/// Lists an address; the id of its open entry. A (shop, key) has one open entry: when there is
/// one already, the one that lasts longer stays open (the other is history: `confirmed` or
/// `replaced`), and one past its time is closed as `lapsed`. Who does it, when and why are in
/// the entry.
std::int64_t suppress(Transaction& change, const records::SuppressionEntry& entry);

/// What to clear, and by whom.
struct Clearing {
  std::string key;
  std::optional<std::string> shop;  ///< absent: the entries of every shop and the operator's
  std::string reason;
  std::string actor;
  TimePoint at;
};

/// Closes the open entries; they stay in the history. Returns them as they were; empty when
/// there were none.
std::vector<records::SuppressionEntry> clear(Transaction& change, const Clearing& clearing);

/// What a look-up at RCPT needs to know of an entry.
struct Listing {
  std::int64_t entry = 0;
  std::string reason;
  bool operator_wide = false;
};

/// Is an address listed? Has a connection of its own; belongs to one thread. It sees every change
/// from the moment its `done` is called.
class SuppressionIndex {
 public:
  /// `book` is the path of the book. Throws Failure.
  explicit SuppressionIndex(const std::string& book);

  /// The entry that keeps `shop` from mailing `key` at `now`; the shop's own before the
  /// operator's. Microseconds. An Error (`unavailable`) means "cannot tell": the caller defers,
  /// and never takes it for "not listed".
  Result<std::optional<Listing>> find(std::string_view shop, std::string_view key, TimePoint now);

 private:
  Connection connection_;
};

}  // namespace ecrelay::store

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "records/list_rules.h"
#include "records/suppression.h"
#include "store/database.h"

namespace ecrelay::store {

/// Lists an address; the id of its open entry. A (shop, key) has one open entry: when there is
/// one already, the one of more weight stays open (the other is history: `confirmed` or
/// `replaced`): a complaint before an unsubscribe before all others, then the one that lasts
/// longer. One past its time is closed as `lapsed`; one that was lifted, or of a dry run, gives
/// way. Who does it, when and why are in the entry.
std::int64_t suppress(Transaction& change, const records::SuppressionEntry& entry);

/// Who makes a change of an entry, when and why.
struct Cause {
  TimePoint at;
  std::string reason;
  std::string actor;
};

/// `event` as of records::SuppressionEvent.
void close_entry(Transaction& change, const records::SuppressionEntry& open, std::string_view event,
                 const Cause& cause);

/// What to clear, and by whom.
struct Clearing {
  std::string key;
  std::optional<std::string> shop;  ///< absent: the entries of every shop and the operator's
  std::string reason;
  std::string actor;
  TimePoint at;
  std::optional<TimePoint> until{};  ///< lifted until then only; it holds again afterwards
};

/// Closes (or lifts) the open entries; they stay in the history. `wanted` tells by an entry's
/// reason whether it is meant; null: it is. Returns them as they were; empty when there were none.
std::vector<records::SuppressionEntry> clear(Transaction& change, const Clearing& clearing,
                                             bool (*wanted)(std::string_view reason) = nullptr);

/// The open entries of an address; of one shop, or of all and the operator's.
std::vector<records::SuppressionEntry> open_entries(Connection& book, std::string_view key,
                                                    const std::optional<std::string>& shop);

/// How often somebody has cleared the address since then.
std::int64_t clearings_since(Connection& book, std::string_view key, TimePoint since);

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
  /// `book` is the path of the book; `quiet` is ListRules::quiet_after_delivery. Throws Failure.
  explicit SuppressionIndex(const std::string& book,
                            Duration quiet = records::ListRules().quiet_after_delivery);

  /// The entry that keeps `shop` from mailing `key` at `now`; the shop's own before the
  /// operator's. Microseconds. An Error (`unavailable`) means "cannot tell": the caller defers,
  /// and never takes it for "not listed". `message`, when the book has it already, is not kept
  /// back by an entry that it tries itself (trial.h).
  Result<std::optional<Listing>> find(std::string_view shop, std::string_view key, TimePoint now,
                                      const std::optional<Ulid>& message = {});
  /// A reload has changed ListRules::quiet_after_delivery.
  void set_quiet(Duration quiet) { quiet_ = quiet; }

 private:
  Connection connection_;
  Duration quiet_;
};

}  // namespace ecrelay::store

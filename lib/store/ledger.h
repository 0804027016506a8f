#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/time.h"
#include "core/ulid.h"
#include "records/charge.h"
#include "records/message.h"
#include "store/database.h"

namespace ecrelay::store {

/// What is charged, to whom.
struct Billed {
  std::string shop;
  Ulid message;
  std::string tag;
  records::Kind kind = records::Kind::mail;
  std::optional<std::int64_t> recipients = std::nullopt;  ///< that the message has
};

/// Writes a charge, unless the message (or this recipient of it) has been charged before, or is
/// none of a shop's; true when written. Refused for what was not sent. The daily total follows by
/// trigger. What lies in a closed month is booked in the oldest open one, with its own time.
bool charge_once(Transaction& change, const Billed& billed, const records::Charge& charge,
                 TimePoint at);

/// A charge to be taken back.
struct Reversal {
  std::int64_t charge = 0;
  TimePoint at;
  std::string reason;
  std::string actor;
};

/// Books a charge back; the number of the new row. Refused when there is no such charge, it has
/// been reversed before, or reason or actor are missing.
std::int64_t reverse(Transaction& change, const Reversal& reversal);

/// What is owed more or less for a reason that no charge stands for.
struct Adjustment {
  std::string shop;
  Money amount;  ///< negative: in the shop's favour
  TimePoint at;
  std::string reason;
  std::string actor;
};

/// Books an adjustment; the number of the new row. Refused without reason and actor.
std::int64_t adjust(Transaction& change, const Adjustment& adjustment);

/// Adds to the counts of a shop on the JST day of `at`; where its month is closed, on the first
/// day of the oldest open one.
void count(Transaction& change, const std::string& shop, TimePoint at, const records::Counts& more);

/// What an insert or an outcome counts for: everything for a shop's mail, else the message alone.
records::Counts counted(records::Kind kind, const records::Counts& counts);

/// Where a final state is counted; null for open ones.
std::int64_t records::Counts::*counter(records::State state);

}  // namespace ecrelay::store

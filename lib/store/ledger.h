#pragma once

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
};

/// Writes a charge, unless the message (or this recipient of it) has been charged before; true
/// when written. Refused for what was not sent.
bool charge_once(Transaction& change, const Billed& billed, const records::Charge& charge,
                 TimePoint at);

/// Adds to the totals of a shop on the JST day of `at`.
void count(Transaction& change, const std::string& shop, TimePoint at, const records::Usage& more);

/// Where a final state is counted; null for open ones.
std::int64_t records::Usage::*counter(records::State state);

}  // namespace ecrelay::store

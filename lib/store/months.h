#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "core/time.h"
#include "records/charge.h"
#include "store/database.h"

namespace ecrelay::store {

/// A month that was found to be in order, and is to be closed.
struct MonthClosing {
  std::chrono::year_month month;
  TimePoint at;
  std::string actor;
  std::map<std::string, std::string> names;  ///< of shops, as its files show them for ever
  std::vector<records::ShopDay> days;        ///< what the manifest was made from
  std::string manifest;
  std::string sha256;
  std::string previous;
};

/// Closes the month, whole or not at all, for ever. From then on the book lets nothing into it.
/// Refused when it has changed since `days` was read, is not over, or is not the next one.
void close_month(Transaction& change, const MonthClosing& closing);

/// Notes prices. Rows are never edited: a later row of the same shop and day stands for the
/// earlier. Refused when something has been charged on that day or after it already.
void note_prices(Transaction& change, const std::vector<records::PriceRow>& rows);

}  // namespace ecrelay::store

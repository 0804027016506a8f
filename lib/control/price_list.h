#pragma once

#include <vector>

#include "config/settings.h"
#include "core/time.h"
#include "policy/price.h"
#include "records/charge.h"
#include "store/accounts.h"
#include "store/inquiry.h"
#include "store/writer.h"

namespace ecrelay::control {

/// The prices as the book has noted them.
policy::PriceLists noted_prices(const std::vector<records::PriceRow>& rows);

/// What the configuration has that the book has not noted; or (conflict, a line each) what of it
/// would change the past.
Result<std::vector<records::PriceRow>> new_prices(store::Accounts accounts,
                                                  const config::Settings& settings, TimePoint now);

/// Notes the configuration's prices before it comes into force: once on disk they are never
/// edited. Waits for the disk. An Error (conflict) says what would change the past.
Result<void> note_prices(store::Inquiry& book, store::Writer& writer,
                         const config::Settings& settings, TimePoint now);

}  // namespace ecrelay::control

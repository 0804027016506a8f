#pragma once

#include <string>

#include "core/time.h"

namespace ecrelay::mail {

/// "Mon, 23 Nov 2026 15:04:05 +0900" (RFC 5322 3.3), always in JST; milliseconds are dropped.
/// English names without a locale. For years 0 to 9999.
std::string header_date(TimePoint at);

}  // namespace ecrelay::mail

#pragma once

#include "core/money.h"
#include "core/time.h"

namespace ecrelay::finance {

/// What a JST month will come to if it goes on as it has until `now`, rounded down to a yen;
/// `so_far` itself in its first hour, when that would say nothing.
Money forecast(Money so_far, TimePoint now);

}  // namespace ecrelay::finance

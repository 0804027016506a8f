#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/result.h"

namespace ecrelay::finance {

/// What an upstream says it took, by its day "2026-11-23".
using Statement = std::map<std::string, std::int64_t>;

/// Reads an upstream's statement: CSV with a date and a count in each line. A first line of
/// headings may say which columns (date, day, 日付; count, sent, messages, 件数, 通数), else they
/// are the first two. Dates as 2026-11-23, 2026/11/23 or 20261123; counts may have commas when
/// quoted. Several lines of a day add up. Errors name the line.
Result<Statement> parse_statement(std::string_view csv);

}  // namespace ecrelay::finance

#pragma once

#include <chrono>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

/// Wall-clock time of records. Deadlines use std::chrono::steady_clock instead.
namespace ecrelay {

using Duration = std::chrono::milliseconds;
/// Milliseconds of Unix time, UTC.
using TimePoint = std::chrono::sys_time<Duration>;

/// Reads the wall clock. Called at the edges (intake, dispatch, control); below them time is an
/// argument.
TimePoint now();

/// The calendar day in Tokyo. Japan has no daylight saving, so JST is UTC plus nine for good.
std::chrono::year_month_day billing_day(TimePoint at);
/// The JST calendar month that a charge made at `at` belongs to.
std::chrono::year_month billing_month(TimePoint at);
/// First instant of a JST day.
TimePoint start_of(std::chrono::year_month_day day);

std::string to_text(std::chrono::year_month_day day);  ///< "2026-11-23"
std::string to_text(std::chrono::year_month month);    ///< "2026-11"
std::optional<std::chrono::year_month_day> parse_day(std::string_view text);
std::optional<std::chrono::year_month> parse_month(std::string_view text);

/// "2026-11-23T15:04:11.123+09:00" (RFC 3339, JST).
std::string timestamp(TimePoint at);
/// RFC 3339 with any offset or Z, seconds and milliseconds optional; a bare "2026-11-23" is
/// midnight JST; a time without offset is JST.
std::optional<TimePoint> parse_timestamp(std::string_view text);

/// "3d", "1h30m", "45s", "250ms": largest units first, the shortest exact form; "0s".
std::string to_text(Duration duration);

}  // namespace ecrelay

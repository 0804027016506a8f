#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "config/rules.h"
#include "config/section.h"
#include "config/settings.h"

/// What the parts of the schema share. Private to it.
namespace ecrelay::config {

inline constexpr Duration day = std::chrono::hours(24);
inline constexpr std::uint32_t million = 1'000'000;

inline Rule<Duration> time(Duration least, Duration most) { return between<Duration>(least, most); }
inline Rule<std::uint32_t> count(std::uint32_t least = 1, std::uint32_t most = million) {
  return between<std::uint32_t>(least, most);
}

/// Waits: at least one, each a second or more.
inline std::string times(std::vector<Duration>& list) {
  const bool positive = std::all_of(list.begin(), list.end(),
                                    [](Duration d) { return d >= std::chrono::seconds(1); });
  if (list.empty()) return "an empty list";
  return positive ? "" : "a time shorter than a second";
}

/// In schema_suppression.cpp.
template <>
const std::vector<Field<Suppression>>& table<Suppression>();
/// In schema_upstreams.cpp.
template <>
const std::vector<Field<Upstream>>& table<Upstream>();

}  // namespace ecrelay::config

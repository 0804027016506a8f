#include "mail/date.h"

#include <array>
#include <chrono>
#include <cstdio>

namespace ecrelay::mail {

using namespace std::chrono;

std::string header_date(TimePoint at) {
  constexpr std::array<const char*, 7> weekdays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto tokyo = at + hours(9);  // no daylight saving: JST is UTC plus nine for good
  const auto midnight = floor<days>(tokyo);
  const year_month_day day(midnight);
  const hh_mm_ss<seconds> clock(floor<seconds>(tokyo - midnight));
  std::array<char, 64> buffer{};
  const int length = std::snprintf(
      buffer.data(), buffer.size(), "%s, %02u %s %04d %02d:%02d:%02d +0900",
      weekdays[weekday(midnight).c_encoding()], static_cast<unsigned>(day.day()),
      months[static_cast<unsigned>(day.month()) - 1], static_cast<int>(day.year()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()));
  return std::string(buffer.data(), static_cast<std::size_t>(length));
}

}  // namespace ecrelay::mail

#include "core/time.h"

#include <array>
#include <cstdio>

#include "core/text.h"

namespace ecrelay {

using namespace std::chrono;

namespace {

constexpr hours jst_offset{9};

/// Takes exactly `digits` digits from the front of `rest`.
std::optional<int> take_number(std::string_view& rest, std::size_t digits) {
  if (rest.size() < digits) return {};
  const auto value = text::number(rest.substr(0, digits));
  if (!value) return {};
  rest.remove_prefix(digits);
  return static_cast<int>(*value);
}

bool take(std::string_view& rest, char expected) {
  if (!rest.starts_with(expected)) return false;
  rest.remove_prefix(1);
  return true;
}

std::optional<year_month_day> take_day(std::string_view& rest) {
  const auto y = take_number(rest, 4);
  if (!y || !take(rest, '-')) return {};
  const auto m = take_number(rest, 2);
  if (!m || !take(rest, '-')) return {};
  const auto d = take_number(rest, 2);
  if (!d) return {};
  const year_month_day day{year(*y), month(static_cast<unsigned>(*m)),
                           std::chrono::day(static_cast<unsigned>(*d))};
  if (!day.ok()) return {};
  return day;
}

std::optional<Duration> take_fraction(std::string_view& rest) {
  if (!take(rest, '.')) return Duration(0);
  const auto digits = rest.find_first_not_of("0123456789");
  std::string fraction(rest.substr(0, digits));
  if (fraction.empty()) return {};
  rest.remove_prefix(fraction.size());
  fraction.resize(3, '0');
  return Duration(*text::number(fraction));
}

std::optional<minutes> take_offset(std::string_view& rest) {
  if (rest.empty()) return minutes(jst_offset);
  if (take(rest, 'Z') || take(rest, 'z')) return minutes(0);
  const bool west = rest.starts_with('-');
  if (!take(rest, '+') && !take(rest, '-')) return {};
  const auto h = take_number(rest, 2);
  take(rest, ':');
  const auto m = take_number(rest, 2);
  if (!h || !m || *h > 14 || *m > 59) return {};
  const minutes offset = hours(*h) + minutes(*m);
  return west ? -offset : offset;
}

std::string formatted(const char* format, auto... values) {
  std::array<char, 64> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), format, values...);
  return std::string(buffer.data(), static_cast<std::size_t>(length));
}

}  // namespace

TimePoint now() { return floor<Duration>(system_clock::now()); }

year_month_day billing_day(TimePoint at) { return floor<days>(at + jst_offset); }

year_month billing_month(TimePoint at) {
  const year_month_day day = billing_day(at);
  return day.year() / day.month();
}

TimePoint start_of(year_month_day day) { return sys_days(day) - jst_offset; }

std::string to_text(year_month_day day) {
  return formatted("%04d-%02u-%02u", static_cast<int>(day.year()),
                   static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

std::string to_text(year_month month) {
  return formatted("%04d-%02u", static_cast<int>(month.year()),
                   static_cast<unsigned>(month.month()));
}

std::optional<year_month_day> parse_day(std::string_view text) {
  const auto day = take_day(text);
  if (!day || !text.empty()) return {};
  return day;
}

std::optional<year_month> parse_month(std::string_view text) {
  const auto day = parse_day(std::string(text) + "-01");
  if (!day) return {};
  return day->year() / day->month();
}

std::string timestamp(TimePoint at) {
  const auto local = at + jst_offset;
  const auto midnight = floor<days>(local);
  const hh_mm_ss<Duration> clock(local - midnight);
  return to_text(year_month_day(midnight)) +
         formatted("T%02d:%02d:%02d.%03d+09:00", static_cast<int>(clock.hours().count()),
                   static_cast<int>(clock.minutes().count()),
                   static_cast<int>(clock.seconds().count()),
                   static_cast<int>(clock.subseconds().count()));
}

std::optional<TimePoint> parse_timestamp(std::string_view text) {
  const auto day = take_day(text);
  if (!day) return {};
  if (text.empty()) return start_of(*day);
  if (!take(text, 'T') && !take(text, 't') && !take(text, ' ')) return {};
  const auto h = take_number(text, 2);
  if (!h || *h > 23 || !take(text, ':')) return {};
  const auto m = take_number(text, 2);
  if (!m || *m > 59) return {};
  int s = 0;
  Duration fraction(0);
  if (take(text, ':')) {
    const auto parsed = take_number(text, 2);
    if (!parsed || *parsed > 60) return {};
    s = *parsed;
    const auto milliseconds = take_fraction(text);
    if (!milliseconds) return {};
    fraction = *milliseconds;
  }
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return {};
  return sys_days(*day) + hours(*h) + minutes(*m) + seconds(s) + fraction - *offset;
}

std::string to_text(Duration duration) {
  struct Unit {
    std::int64_t milliseconds;
    const char* name;
  };
  constexpr std::array<Unit, 5> units = {
      Unit{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1'000, "s"}, {1, "ms"}};
  std::string result = duration.count() < 0 ? "-" : "";
  std::int64_t rest = duration.count() < 0 ? -duration.count() : duration.count();
  if (rest == 0) return "0s";
  for (const Unit& unit : units) {
    if (rest >= unit.milliseconds) result += std::to_string(rest / unit.milliseconds) + unit.name;
    rest %= unit.milliseconds;
  }
  return result;
}

}  // namespace ecrelay

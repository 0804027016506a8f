#include "config/units.h"

#include <algorithm>
#include <array>
#include <limits>

#include "core/text.h"

namespace ecrelay::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t worth;
};

constexpr std::array<Unit, 5> time_units = {
    Unit{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};
constexpr std::array<Unit, 5> size_units = {Unit{"TiB", 1ULL << 40},
                                            {"GiB", 1ULL << 30},
                                            {"MiB", 1ULL << 20},
                                            {"KiB", 1ULL << 10},
                                            {"", 1}};
constexpr std::uint64_t longest = 3'650ULL * 86'400'000;

std::string_view take_while(std::string_view& text, bool digits) {
  std::size_t length = 0;
  while (length < text.size() && text::is_digit(text[length]) == digits) ++length;
  const std::string_view taken = text.substr(0, length);
  text.remove_prefix(length);
  return taken;
}

/// One "30s" off the front of `text`, in units smaller than `above`.
std::optional<std::uint64_t> take_duration(std::string_view& text, std::uint64_t& above) {
  const auto count = text::number(take_while(text, true));
  const auto name = take_while(text, false);
  for (const Unit& unit : time_units) {
    if (unit.name != name || unit.worth >= above) continue;
    above = unit.worth;
    if (!count || *count > longest / unit.worth) return {};
    return *count * unit.worth;
  }
  return {};
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(),
                     [](char c) { return text::is_alnum(c) || c == '-'; });
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  std::uint64_t above = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t total = 0;
  do {
    const auto part = take_duration(text, above);
    if (!part) return {};
    total += *part;
  } while (!text.empty());
  if (total > longest) return {};
  return Duration(static_cast<Duration::rep>(total));
}

std::optional<Size> parse_size(std::string_view text) {
  const auto count = text::number(take_while(text, true));
  if (!count) return {};
  for (const Unit& unit : size_units) {
    if (unit.name != text) continue;
    if (*count > std::numeric_limits<std::int64_t>::max() / unit.worth) return {};
    return Size{*count * unit.worth};
  }
  return {};
}

std::string to_text(Size size) {
  const auto unit = std::find_if(size_units.begin(), size_units.end(),
                                 [&](const Unit& u) { return size.bytes % u.worth == 0; });
  if (size.bytes == 0) return "0";
  return std::to_string(size.bytes / unit->worth) + std::string(unit->name);
}

std::optional<HostAndPort> parse_host_and_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return {};
  const auto port = text::number(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() || bracketed != (host.find(':') != std::string_view::npos)) return {};
  if (!port || *port > std::numeric_limits<std::uint16_t>::max()) return {};
  return HostAndPort{host, static_cast<std::uint16_t>(*port)};
}

bool is_domain_name(std::string_view text) {
  const auto labels = text::split(text, '.');
  return text.size() <= 253 && std::all_of(labels.begin(), labels.end(), is_label) &&
         !std::all_of(labels.back().begin(), labels.back().end(), text::is_digit);
}

}  // namespace ecrelay::config

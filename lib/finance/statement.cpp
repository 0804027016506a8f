#include "finance/statement.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "core/escape.h"
#include "core/text.h"
#include "core/time.h"

namespace ecrelay::finance {
namespace {

/// The cells of one line (RFC 4180 without line ends in cells).
std::vector<std::string> cells_of(std::string_view line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"') {
      const bool doubled = quoted && i + 1 < line.size() && line[i + 1] == '"';
      if (doubled) {
        cells.back() += '"';
        ++i;
      } else {
        quoted = !quoted;
      }
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  return cells;
}

std::optional<std::string> day_in(std::string_view cell) {
  std::string digits;
  for (const char c : text::trimmed(cell))
    if (c != '-' && c != '/') digits += c;
  if (digits.size() != 8) return std::nullopt;
  digits.insert(6, "-").insert(4, "-");
  const auto day = parse_day(digits);
  return day ? std::optional(to_text(*day)) : std::nullopt;
}

std::optional<std::int64_t> count_in(std::string_view cell) {
  std::string digits(text::trimmed(cell));
  std::erase(digits, ',');
  const auto count = text::number(digits);
  if (!count || *count > 1'000'000'000'000) return std::nullopt;
  return static_cast<std::int64_t>(*count);
}

template <std::size_t size>
std::optional<std::size_t> column(const std::vector<std::string>& headings,
                                  const std::array<std::string_view, size>& names) {
  for (std::size_t i = 0; i < headings.size(); ++i) {
    const std::string name = text::lowered(text::trimmed(headings[i]));
    if (std::find(names.begin(), names.end(), name) != names.end()) return i;
  }
  return std::nullopt;
}

struct Columns {
  std::size_t day = 0;
  std::size_t count = 1;
};

constexpr std::array<std::string_view, 3> day_names = {"date", "day", "日付"};
constexpr std::array<std::string_view, 6> count_names = {"count",      "sent", "messages",
                                                         "recipients", "件数", "通数"};

}  // namespace

Result<Statement> parse_statement(std::string_view csv) {
  if (csv.starts_with("\xef\xbb\xbf")) csv.remove_prefix(3);
  Statement statement;
  Columns columns;
  std::size_t number = 0;
  for (const std::string_view line : text::split(csv, '\n')) {
    ++number;
    if (text::trimmed(line).empty()) continue;
    const std::vector<std::string> cells = cells_of(text::trimmed(line));
    if (number == 1 && std::none_of(cells.begin(), cells.end(), day_in)) {
      columns.day = column(cells, day_names).value_or(0);
      columns.count = column(cells, count_names).value_or(1);
      continue;
    }
    const std::size_t last = std::max(columns.day, columns.count);
    const auto day = cells.size() > last ? day_in(cells[columns.day]) : std::nullopt;
    const auto count = cells.size() > last ? count_in(cells[columns.count]) : std::nullopt;
    if (!day || !count) {
      return invalid("line " + std::to_string(number) + " of the statement is '" +
                     printable(line, 80) + "': expected a date like 2026-11-23 and a count");
    }
    statement[*day] += *count;
  }
  if (statement.empty()) return invalid("the statement has no line with a date and a count");
  return statement;
}

}  // namespace ecrelay::finance

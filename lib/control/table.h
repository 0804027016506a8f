#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Text for a terminal. Everything that goes in is escaped here (core/escape.h), so nothing from
/// outside can break a line or move the cursor.
namespace ecrelay::control {

/// Columns that a terminal gives to UTF-8 text: two for East Asian wide and full-width characters
/// and emoji, none for combining marks, one for the rest (half-width kana included). Source: the
/// ranges W and F of Unicode's EastAsianWidth.txt 15.
std::size_t display_width(std::string_view text);

/// As much of `text` as fits into so many columns, "…" at its end when it was cut.
std::string fitted(std::string_view text, std::size_t columns);

enum class Align { left, right };

/// A table whose columns stand under one another whatever the script.
class Table {
 public:
  struct Column {
    std::string title;
    Align align = Align::left;
    std::size_t most = 60;  ///< columns of the screen; longer cells are cut
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// One cell a column, unescaped; missing ones are empty.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }

  /// Title and rows, a line each, two spaces between columns, none at the end of a line.
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;  ///< escaped and fitted
};

}  // namespace ecrelay::control

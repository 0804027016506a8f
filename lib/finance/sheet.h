#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/money.h"
#include "finance/encoder.h"

namespace ecrelay::finance {

enum class Layout { csv, json };
enum class Headings { english, japanese };

struct Format {
  Layout layout = Layout::csv;
  Encoding encoding = Encoding::utf8;  ///< JSON is UTF-8 whatever this says
  Headings headings = Headings::english;

  bool operator==(const Format&) const = default;
};

struct Column {
  std::string_view key;  ///< heading in English, name in JSON
  std::string_view japanese;
};

/// A text that a spreadsheet will not run, and that cannot leave its cell: what begins like a
/// formula (= + - @, full-width too, also after spaces) gets an apostrophe in front, controls and
/// invisible characters become visible. OWASP "CSV injection".
std::string defused(std::string_view text);

/// One file of rows, as bytes: CSV (RFC 4180: CRLF, every text quoted, numbers plain; a BOM
/// before UTF-8, because Excel asks for one) or a JSON array of objects, amounts as exact texts.
class Sheet {
 public:
  /// `columns` outlive it.
  Sheet(std::span<const Column> columns, const Format& format);

  std::string head();
  /// Cells from the first column on; row() gives the finished row, which has them all.
  Sheet& text(std::string_view value);
  Sheet& number(std::int64_t value);
  Sheet& yen(Money amount);
  Sheet& nothing();
  std::string row();
  std::string tail() const;

  std::uint64_t replaced() const { return encoder_.replaced(); }

 private:
  void cell(std::string_view csv, std::string_view json);

  std::span<const Column> columns_;
  Format format_;
  Encoder encoder_;
  std::string row_;
  std::size_t column_ = 0;
  bool first_ = true;
};

}  // namespace ecrelay::finance

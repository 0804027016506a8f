#include "finance/sheet.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>

#include "core/escape.h"
#include "core/text.h"

namespace ecrelay::finance {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

bool begins_like_a_formula(std::string_view text) {
  // The code points of the full-width forms, because Excel takes them for the plain ones.
  constexpr std::u32string_view starts = U"=+-@＝＋－＠";
  for (const char32_t point : text::code_points(text)) {
    if (point == U' ' || point == U'\t' || point == U'\r' || point == U'\n' || point == 0x3000)
      continue;
    return starts.find(point) != std::u32string_view::npos;
  }
  return false;
}

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

std::string utf8(char32_t point) {
  const auto part = [](char32_t bits) {
    return static_cast<char>(static_cast<unsigned char>(bits));
  };
  if (point < 0x80) return {part(point)};
  if (point < 0x800) return {part(0xC0 | (point >> 6)), part(0x80 | (point & 0x3F))};
  if (point < 0x10000)
    return {part(0xE0 | (point >> 12)), part(0x80 | ((point >> 6) & 0x3F)),
            part(0x80 | (point & 0x3F))};
  return {part(0xF0 | (point >> 18)), part(0x80 | ((point >> 12) & 0x3F)),
          part(0x80 | ((point >> 6) & 0x3F)), part(0x80 | (point & 0x3F))};
}

/// Controls and what disguises text as core/escape.h shows them; a backslash stays one.
std::string visible(std::string_view text) {
  std::string result;
  for (const char32_t point : text::code_points(text::well_formed(text)))
    result += point == U'\\' ? "\\" : printable(utf8(point));
  return result;
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) result.append(c == '"' ? 2 : 1, c);
  return result + "\"";
}

std::string json_string(std::string_view text) {
  return boost::json::serialize(boost::json::value(text::well_formed(text)));
}

}  // namespace

std::string defused(std::string_view text) {
  const std::string guard = begins_like_a_formula(text) ? "'" : "";
  return guard + (is_plain(text) ? std::string(text) : visible(text));
}

Sheet::Sheet(std::span<const Column> columns, const Format& format)
    : columns_(columns),
      format_(format),
      encoder_(format.layout == Layout::json ? Encoding::utf8 : format.encoding) {}

std::string Sheet::head() {
  if (format_.layout == Layout::json) return "[";
  for (const Column& column : columns_)
    text(format_.headings == Headings::japanese ? column.japanese : column.key);
  std::string line = row();
  return format_.encoding == Encoding::utf8 ? std::string(byte_order_mark) + line : line;
}

Sheet& Sheet::text(std::string_view value) {
  if (format_.layout == Layout::json) {
    cell("", json_string(value));
  } else {
    cell(quoted(defused(value)), "");
  }
  return *this;
}

Sheet& Sheet::number(std::int64_t value) {
  const std::string digits = std::to_string(value);
  cell(digits, digits);
  return *this;
}

Sheet& Sheet::yen(Money amount) {
  const std::string digits = amount.exact();
  cell(digits, "\"" + digits + "\"");
  return *this;
}

Sheet& Sheet::nothing() {
  cell("", "null");
  return *this;
}

void Sheet::cell(std::string_view csv, std::string_view json) {
  if (column_ > 0) row_ += ',';
  if (format_.layout == Layout::json) {
    row_ += "\"" + std::string(columns_[column_].key) + "\":";
    row_ += json;
  } else {
    row_ += csv;
  }
  ++column_;
}

std::string Sheet::row() {
  std::string line;
  if (format_.layout == Layout::json) {
    line = (first_ ? "\n{" : ",\n{") + row_ + "}";
  } else {
    line = encoder_.encode(row_) + "\r\n";
  }
  first_ = false;
  row_.clear();
  column_ = 0;
  return line;
}

std::string Sheet::tail() const { return format_.layout == Layout::json ? "\n]\n" : ""; }

}  // namespace ecrelay::finance

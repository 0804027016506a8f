#include <array>
#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/escape.h"
#include "core/text.h"
#include "finance/sheet.h"
#include "finance/statement.h"
#include "log/line.h"
#include "target.h"
#include "unit/log/logfmt.h"

/// What is written for others, read back by readers that know the format and not the writer: CSV
/// (RFC 4180), JSON and logfmt. No text leaves its cell, its field or its line.
namespace ecrelay {
namespace {

using fuzz::require;

/// The cells of one record of RFC 4180, which must be all of `csv`.
std::vector<std::string> cells_of(std::string_view csv) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (std::size_t i = 0; i < csv.size(); ++i) {
    if (quoted && csv[i] == '"' && csv.substr(i + 1).starts_with('"')) {
      cells.back() += csv[++i];
    } else if (csv[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && csv[i] == ',') {
      cells.emplace_back();
    } else if (!quoted && csv.substr(i) == "\r\n") {
      return cells;
    } else {
      require(quoted || (csv[i] != '\r' && csv[i] != '\n'), "a record is one line");
      cells.back() += csv[i];
    }
  }
  require(false, "a record ends in CRLF");
  return cells;
}

void check_sheet(std::string_view input) {
  static constexpr std::array<finance::Column, 2> columns{{{"text", "文"}, {"count", "数"}}};
  for (const auto encoding : {finance::Encoding::utf8, finance::Encoding::cp932}) {
    finance::Format format;
    format.encoding = encoding;
    const std::string row = finance::Sheet(columns, format).text(input).number(7).row();
    const auto cells = cells_of(row);
    require(cells.size() == 2 && cells[1] == "7", "a text stays in its cell");
    if (encoding == finance::Encoding::utf8) {
      require(cells[0] == finance::defused(input), "the cell is the text, defused");
      require(cells[0].find('\n') == std::string::npos, "in one line");
      const char first = cells[0].empty() ? 'a' : cells[0][0];
      require(std::string_view("=+-@\t\r").find(first) == std::string_view::npos, "no formula");
    }
  }
  finance::Format json;
  json.layout = finance::Layout::json;
  finance::Sheet sheet(columns, json);
  std::string all = sheet.head();
  all += sheet.text(input).number(7).row() + sheet.tail();
  const boost::json::value value = boost::json::parse(all);
  require(value.as_array().size() == 1 && value.as_array()[0].as_object().size() == 2,
          "an object keeps its fields");
}

void check_log(std::string_view input) {
  for (const auto format : {log::Format::json, log::Format::text}) {
    log::Options options;
    options.format = format;
    options.node = "relay-1";
    log::Line line(log::Event::reject, options);
    const std::string text = line.add("reason", input).add("after", "x").text();
    for (const char c : text) require(!ecrelay::text::is_control(c), "a line controls nothing");
    if (format == log::Format::json) {
      const auto value = boost::json::parse(text);
      require(value.as_object().at("after").as_string() == "x", "JSON: every field in its place");
      require(value.as_object().at("reason").as_string().size() <= 4 * 512, "within its limit");
    } else {
      const auto record = log::logfmt::parse(text);
      require(record && (*record)["after"] == "x", "logfmt: every field in its place");
    }
  }
}

}  // namespace
}  // namespace ecrelay

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = ecrelay::fuzz::text_of(data, size);
  if (!input.empty()) {
    ecrelay::check_sheet(input);
    ecrelay::check_log(input);
  }
  if (const auto statement = ecrelay::finance::parse_statement(input)) {
    for (const auto& [day, count] : *statement) {
      ecrelay::fuzz::require(day.size() == 10 && count >= 0, "a day and a count");
    }
  }
  return 0;
}

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A reader of `TIME LEVEL event key=value …`, written from the format and not from the writer.
namespace ecrelay::log::logfmt {

struct Record {
  std::string time;
  std::string level;
  std::string event;
  std::vector<std::pair<std::string, std::string>> fields;

  std::string operator[](std::string_view key) const {
    for (const auto& [name, value] : fields) {
      if (name == key) return value;
    }
    return {};
  }
};

/// A value up to its end; takes off the quotes and the backslash before a quote. Nothing when the
/// quotes do not close.
inline std::optional<std::string> take_value(std::string_view& rest) {
  std::string value;
  if (!rest.starts_with('"')) {
    value = rest.substr(0, rest.find(' '));
    rest.remove_prefix(value.size());
    return value;
  }
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return value;
    }
    if (rest[i] == '\\' && i + 1 < rest.size()) {
      if (rest[i + 1] != '"') value += rest[i];
      value += rest[++i];
    } else {
      value += rest[i];
    }
  }
  return {};
}

inline std::string take_word(std::string_view& rest, char end) {
  const auto at = rest.find(end);
  const std::string word(rest.substr(0, at));
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  return word;
}

/// Nothing when the line is not of the format.
inline std::optional<Record> parse(std::string_view line) {
  Record record;
  record.time = take_word(line, ' ');
  record.level = take_word(line, ' ');
  record.event = take_word(line, ' ');
  while (!line.empty()) {
    const std::string key = take_word(line, '=');
    if (key.empty() || key.find_first_of(" \"") != std::string::npos) return {};
    const auto value = take_value(line);
    if (!value) return {};
    record.fields.emplace_back(key, *value);
    if (line.empty()) break;
    if (line.front() != ' ') return {};
    line.remove_prefix(1);
  }
  return record;
}

}  // namespace ecrelay::log::logfmt

#include "control/exposition.h"

#include <charconv>
#include <cstdio>

#include "control/json.h"

namespace ecrelay::control {
namespace {

std::string quoted(std::string_view label) {
  std::string result = "\"";
  for (const char c : json_text(label)) {
    if (c == '\n') {
      result += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

/// The shortest decimal that reads back as the same number.
std::string decimal(double value) {
  char text[400];  // the longest double without an exponent
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr;
  return std::string(text, end);
}

}  // namespace

void Exposition::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
  text_.append(name).append(" ").append(type).append("\n");
}

void Exposition::line(std::string_view suffix, const Labels& labels, std::string_view value) {
  text_.append(name_).append(suffix);
  char before = '{';
  for (const auto& [name, text] : labels) {
    text_.append(1, before).append(name).append("=").append(quoted(text));
    before = ',';
  }
  text_.append(labels.empty() ? " " : "} ").append(value).append("\n");
}

void Exposition::sample(std::uint64_t value, const Labels& labels) {
  line("", labels, std::to_string(value));
}

void Exposition::exact(std::string_view value, const Labels& labels) { line("", labels, value); }

void Exposition::at(TimePoint value, const Labels& labels) {
  seconds(value.time_since_epoch(), labels);
}

void Exposition::seconds(std::chrono::microseconds value, const Labels& labels) {
  char text[32];
  std::snprintf(text, sizeof text, "%lld.%06lld", static_cast<long long>(value.count() / 1000000),
                static_cast<long long>(value.count() % 1000000));
  line("", labels, text);
}

void Exposition::histogram(const Histogram& value, const Labels& labels) {
  Labels with_bound = labels;
  with_bound.emplace_back("le", "");
  for (std::size_t i = 0; i < value.bounds().size(); ++i) {
    const std::string bound = decimal(value.bounds()[i]);
    with_bound.back().second = bound;
    line("_bucket", with_bound, std::to_string(value.up_to(i)));
  }
  with_bound.back().second = "+Inf";
  line("_bucket", with_bound, std::to_string(value.count()));
  line("_sum", labels, decimal(value.sum()));
  line("_count", labels, std::to_string(value.count()));
}

}  // namespace ecrelay::control

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/histogram.h"
#include "core/time.h"

namespace ecrelay::control {

/// Text of the Prometheus format 0.0.4, one family after the other.
class Exposition {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

  /// Begins a family; its samples follow. The name is whole: "ecrelay_sessions".
  void counter(std::string_view name, std::string_view help) { family(name, "counter", help); }
  void gauge(std::string_view name, std::string_view help) { family(name, "gauge", help); }
  void histograms(std::string_view name, std::string_view help) { family(name, "histogram", help); }

  void sample(std::uint64_t value, const Labels& labels = {});
  /// A number as it is to be written: an exact decimal.
  void exact(std::string_view value, const Labels& labels = {});
  void at(TimePoint value, const Labels& labels = {});
  void seconds(std::chrono::microseconds value, const Labels& labels = {});
  void histogram(const Histogram& value, const Labels& labels = {});

  std::string take() { return std::move(text_); }

 private:
  void family(std::string_view name, std::string_view type, std::string_view help);
  void line(std::string_view suffix, const Labels& labels, std::string_view value);

  std::string name_;
  std::string text_;
};

}  // namespace ecrelay::control

#include "config/problem.h"

#include <algorithm>
#include <tuple>

#include "config/node.h"
#include "core/escape.h"

namespace ecrelay::config {

std::string Problem::text() const {
  std::string result = printable(file) + ":" + std::to_string(line) + ":" + std::to_string(column) +
                       ": " + (severity == Severity::error ? "error: " : "warning: ") + message;
  if (!hint.empty()) result += "; " + hint;
  return result;
}

void Problems::error(const Place& place, std::string message, std::string hint) {
  add(Severity::error, place, std::move(message), std::move(hint));
}

void Problems::warn(const Place& place, std::string message, std::string hint) {
  add(Severity::warning, place, std::move(message), std::move(hint));
}

void Problems::add(Severity severity, const Place& place, std::string message, std::string hint) {
  constexpr std::size_t most = 1000;
  std::vector<Found>& found = severity == Severity::error ? errors_ : warnings_;
  if (found.size() == most) return;
  const auto known = std::find(files_.begin(), files_.end(), *place.file);
  const auto index = static_cast<std::size_t>(known - files_.begin());
  if (known == files_.end()) files_.push_back(*place.file);
  found.push_back(Found{index, Problem{severity, *place.file, place.line, place.column,
                                       std::move(message), std::move(hint)}});
}

std::vector<Problem> Problems::of(Severity severity) const {
  std::vector<Found> sorted = severity == Severity::error ? errors_ : warnings_;
  const auto order = [](const Found& found) {
    return std::tuple(found.file, found.problem.line, found.problem.column);
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Found& a, const Found& b) { return order(a) < order(b); });
  std::vector<Problem> result;
  for (Found& found : sorted) result.push_back(std::move(found.problem));
  return result;
}

}  // namespace ecrelay::config

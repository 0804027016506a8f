#include "config/names.h"

#include <optional>
#include <vector>

#include "core/escape.h"
#include "core/text.h"

namespace ecrelay::config {

std::string at(const std::string& list, std::size_t index) {
  return list + "[" + std::to_string(index) + "]";
}

std::string shown(std::string_view name) { return "'" + printable(name, 64) + "'"; }

void Names::take(const std::string& name, const std::string& path) {
  if (name.empty()) return;
  const auto [first, fresh] = paths_.emplace(name, path);
  if (fresh) return;
  const Place& place = reading_.place_of(first->second);
  reading_.fail_at(path, what_ + " " + shown(name) + " is there already",
                   "first at " + printable(*place.file) + ":" + std::to_string(place.line));
}

void Known::add(const std::string& name) {
  complete_ &= !name.empty();
  names_.insert(name);
}

void Known::refer(Reading& reading, const std::string& path, const std::string& name) const {
  if (!complete_ || reading.failed(path) || names_.contains(name)) return;
  constexpr std::size_t most = 1000;  // a suggestion compares with each
  std::optional<std::string> near;
  if (names_.size() <= most) near = text::suggestion(name, {names_.begin(), names_.end()});
  reading.fail_at(path, "there is no " + what_ + " " + shown(name),
                  near ? "did you mean '" + *near + "'?" : "");
}

}  // namespace ecrelay::config

#include "control/arguments.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <utility>

#include "core/escape.h"
#include "core/text.h"

namespace ecrelay::control {

const boost::json::value* Arguments::find(std::string name) {
  const boost::json::value* found = given_.if_contains(name);
  known_.push_back(std::move(name));
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::optional<std::string> Arguments::text(std::string name) {
  const boost::json::value* found = find(name);
  if (found == nullptr) return std::nullopt;
  if (const auto* text = found->if_string()) return std::string(*text);
  wrong(name + " must be a text");
  return std::nullopt;
}

std::string Arguments::required(std::string name) {
  std::string value = text(name).value_or("");
  if (value.empty()) wrong(name + " is missing");
  return value;
}

std::vector<std::string> Arguments::texts(std::string name) {
  std::vector<std::string> values;
  const boost::json::value* found = find(name);
  if (found == nullptr) return values;
  const auto* list = found->if_array();
  for (const boost::json::value& each : list ? *list : boost::json::array()) {
    if (const auto* text = each.if_string()) values.emplace_back(*text);
  }
  if (!list || values.size() != list->size()) wrong(name + " must be a list of texts");
  return values;
}

std::size_t Arguments::count(std::string name, std::size_t standard, std::size_t most) {
  const boost::json::value* found = find(name);
  if (found == nullptr) return standard;
  boost::json::error_code failed;
  const auto value = found->is_number() ? found->to_number<std::int64_t>(failed) : -1;
  if (!failed && value >= 0 && value <= static_cast<std::int64_t>(most)) {
    return static_cast<std::size_t>(value);
  }
  wrong(name + " must be a number from 0 to " + std::to_string(most));
  return standard;
}

bool Arguments::flag(std::string name) {
  const boost::json::value* found = find(name);
  if (found == nullptr) return false;
  if (const bool* value = found->if_bool()) return *value;
  wrong(name + " must be true or false");
  return false;
}

void Arguments::wrong(std::string what) { wrong_.push_back(std::move(what)); }

std::optional<Error> Arguments::problem() const {
  std::vector<std::string> all = wrong_;
  for (const auto& each : given_) {
    const std::string name = each.key();
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    const auto meant = text::suggestion(name, known_);
    all.push_back("unknown argument '" + printable(name, 64) + "'" +
                  (meant ? "; did you mean '" + *meant + "'?" : std::string()));
  }
  if (all.empty()) return std::nullopt;
  std::string lines;
  for (const std::string& each : all) lines += (lines.empty() ? "" : "\n") + each;
  return invalid(std::move(lines));
}

}  // namespace ecrelay::control

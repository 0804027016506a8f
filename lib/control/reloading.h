#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <vector>

#include "config/difference.h"
#include "control/answers.h"

namespace ecrelay::control {

/// What a reload changed, and what is worth knowing of the configuration that is in force now.
struct Reloaded {
  std::vector<config::Difference> changes;
  std::vector<std::string> warnings;
};

/// {"changes": [{"path", "change", "before", "after", "restart"}], "warnings", "text"}.
boost::json::object to_json(const Reloaded& reloaded);
/// "nothing changed", or the number of changes and the first of them.
std::string summary(const std::vector<config::Difference>& changes);

/// config.diff: how the configuration file in the argument "file" differs from these settings.
Answer compare_file(const boost::json::object& arguments, const config::Settings& settings);

}  // namespace ecrelay::control

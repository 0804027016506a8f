#pragma once

#include <yaml-cpp/emitter.h>

#include <string>
#include <vector>

#include "config/difference.h"
#include "config/reading.h"
#include "config/settings.h"

/// The walks over the tables of schema.cpp, from the top. The one that lists them is
/// reference_entries().
namespace ecrelay::config {

/// Errors for unknown keys, values that are not what they should be, and required keys that are
/// missing.
void read_main_file(Reading& reading, const Node& node, Settings& into);
/// The same, but no key at the top is required.
void read_included_file(Reading& reading, const Node& node, Settings& into);

/// The keys at the top.
std::vector<std::string> top_keys();

void print_settings(YAML::Emitter& out, const Settings& settings);

void compare_settings(std::vector<Difference>& found, const Settings& before,
                      const Settings& after);

}  // namespace ecrelay::config

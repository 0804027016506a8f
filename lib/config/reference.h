#pragma once

#include <string>
#include <vector>

namespace ecrelay::config {

/// One key of the configuration: "upstreams[].timeouts.connect".
struct ReferenceEntry {
  std::string path;
  std::string type;           ///< "a whole number, 1 to 1000", "off | required", "section"
  std::string default_value;  ///< as YAML, or "required", "none", or "" for a section
  std::string text;
};

/// Every key in the order of the tables, sections before their keys.
std::vector<ReferenceEntry> reference_entries();

/// "Value: a whole number, 1 to 1000. Default: 5."
std::string value_line(const ReferenceEntry& entry);

/// The same for people, as plain text of at most 100 columns where words allow.
std::string reference();

}  // namespace ecrelay::config

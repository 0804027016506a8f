#include "config/difference.h"

#include "config/schema.h"
#include "config/section.h"

namespace ecrelay::config {

std::string_view Difference::word() const {
  switch (kind) {
    case Kind::added:
      return "added";
    case Kind::removed:
      return "removed";
    case Kind::changed:
      break;
  }
  return "changed";
}

std::string Difference::text() const {
  if (kind == Kind::changed) return path + ": " + before + " -> " + after;
  return path + ": " + std::string(word());
}

std::vector<Difference> differences(const Settings& before, const Settings& after) {
  std::vector<Difference> found;
  compare_settings(found, before, after);
  return found;
}

bool same(const Upstream& one, const Upstream& other) {
  std::vector<Difference> found;
  compare_section(found, std::string(), one, other);
  return found.empty();
}

}  // namespace ecrelay::config

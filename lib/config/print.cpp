#include "config/print.h"

#include "config/schema.h"

namespace ecrelay::config {

std::string print(const Settings& settings) {
  YAML::Emitter out;
  print_settings(out, settings);
  return std::string(out.c_str()) + "\n";
}

}  // namespace ecrelay::config

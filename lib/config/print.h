#pragma once

#include <string>

#include "config/settings.h"

namespace ecrelay::config {

/// Every effective value, defaults included, as YAML. Secrets stay references and are never
/// shown. Stored beside the original file it loads to equal settings, with one exception: an
/// inline password hash comes out as `crypt:********`, which the loader refuses, so that a
/// masked copy cannot lock a shop out in silence. `include` is not printed: what it brought in is.
std::string print(const Settings& settings);

}  // namespace ecrelay::config

#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "config/problem.h"
#include "config/settings.h"

namespace ecrelay::config {

/// A configuration, or every error in it at once.
struct LoadOutcome {
  std::optional<Settings> settings;  ///< present when there is no error
  std::vector<Problem> errors;       ///< by file, line and column
  std::vector<Problem> warnings;     ///< nothing that stops a start; worth saying at each
};

/// Reads `path`, what it includes, and the certificates and secrets that it refers to. All
/// relative paths, in included files too, are relative to the folder of `path`. Nothing is
/// created, connected to or looked up. Throws nothing but std::bad_alloc: a file that is not
/// there is an error like the others.
///
/// Bounds (THREATS "configuration"): 1 MiB a file, 10,000 included files, 64 MiB in all, 32
/// levels, no anchors, aliases or tags, one document. Any thread, one at a time where the
/// environment is changed at the same time (`env:` and `credential:` read it).
LoadOutcome load(const std::filesystem::path& path);

}  // namespace ecrelay::config

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/result.h"

namespace ecrelay::config {

/// The files in `folder` (absolute) that `pattern` names, as paths relative to it, sorted by
/// byte. A pattern with wildcards may match nothing; a plain name must exist. Refused: an
/// absolute pattern, one with "..", a match that a symbolic link leads out of the folder.
Result<std::vector<std::filesystem::path>> find_included(const std::string& pattern,
                                                         const std::filesystem::path& folder);

}  // namespace ecrelay::config

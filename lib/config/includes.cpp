#include "config/includes.h"

#include <glob.h>

#include <algorithm>
#include <system_error>

#include "core/escape.h"

namespace ecrelay::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view wildcards = "*?[";

/// The folder itself is no pattern, whatever characters it has.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (wildcards.find(c) != std::string_view::npos || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::vector<fs::path> glob_matches(const std::string& pattern) {
  glob_t found{};
  std::vector<fs::path> matches;
  // Sorted below: glob() would sort by the locale.
  if (glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
    matches.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  std::sort(matches.begin(), matches.end());
  return matches;
}

bool is_inside(const fs::path& path, const fs::path& folder) {
  const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end();
}

/// Nothing when `match` stays inside the folder, all symbolic links followed.
Result<void> check_inside(const fs::path& match, const fs::path& folder) {
  std::error_code failure;
  const fs::path real_folder = fs::canonical(folder, failure);
  const fs::path real = failure ? fs::path() : fs::canonical(match, failure);
  const std::string shown = printable(match.native(), 256);
  if (failure) return unavailable(shown + ": " + failure.message());
  if (!is_inside(real, real_folder)) {
    return refused(shown + " leads out of the configuration's folder");
  }
  return {};
}

}  // namespace

Result<std::vector<fs::path>> find_included(const std::string& pattern, const fs::path& folder) {
  const fs::path path(pattern);
  if (path.is_absolute() || std::find(path.begin(), path.end(), "..") != path.end()) {
    return refused("only files in the configuration's folder can be included");
  }
  std::vector<fs::path> matches = glob_matches(escaped(folder.native()) + "/" + pattern);
  if (matches.empty() && pattern.find_first_of(wildcards) == std::string::npos) {
    return not_found("there is no file '" + printable(pattern, 256) + "'");
  }
  for (fs::path& match : matches) {
    if (const auto inside = check_inside(match, folder); !inside) return inside.error();
    match = match.lexically_relative(folder);
  }
  return matches;
}

}  // namespace ecrelay::config

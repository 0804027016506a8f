#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "core/result.h"

namespace ecrelay::config {

/// A file that was opened and read in one go: `status` describes exactly what `text` came from.
struct ReadFile {
  std::string text;
  struct stat status;
};

/// Refuses what is not a regular file or has more than `largest` bytes. Never waits, not even
/// on a FIFO. The detail says what is wrong, without the path.
Result<ReadFile> read_file(const std::filesystem::path& path, std::size_t largest);

}  // namespace ecrelay::config

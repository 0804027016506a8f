#include "store/ballast.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace ecrelay::store {
namespace {

constexpr const char* file_name = "ballast";

bool is_whole(int directory, std::uint64_t bytes) {
  struct stat facts {};
  return ::fstatat(directory, file_name, &facts, AT_SYMLINK_NOFOLLOW) == 0 &&
         static_cast<std::uint64_t>(facts.st_size) == bytes;
}

}  // namespace

Ballast::Ballast(int directory, Files& files, std::uint64_t bytes)
    : directory_(directory),
      files_(files),
      bytes_(bytes),
      held_(bytes == 0 || is_whole(directory, bytes)) {}

void Ballast::take() {
  if (held_) return;
  files_.remove(directory_, file_name);
  try {
    const Descriptor file = files_.create(directory_, file_name);
    files_.reserve(file.number(), bytes_);
  } catch (const Failure&) {
    files_.remove(directory_, file_name);
    throw;
  }
  held_ = true;
}

bool Ballast::give_up() {
  if (!held_ || bytes_ == 0) return false;
  held_ = false;
  try {
    files_.remove(directory_, file_name);
    return true;
  } catch (const Failure&) {
    return false;
  }
}

}  // namespace ecrelay::store

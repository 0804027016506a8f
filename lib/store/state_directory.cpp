#include "store/state_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

namespace ecrelay::store {
namespace {

constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/// `path` without slashes at its end, behind which O_NOFOLLOW would follow a link after all.
std::string plain(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

void check_fitness(const Descriptor& folder, const std::string& path) {
  struct stat facts {};
  if (::fstat(folder.number(), &facts) != 0) throw system_failure("cannot examine " + path);
  if (facts.st_uid != ::geteuid())
    throw Failure(path + " belongs to user id " + std::to_string(facts.st_uid) +
                  "; it must belong to the user that ecrelayd runs as");
  if ((facts.st_mode & 077) != 0)
    throw Failure(path + " is open to other users; chmod 700 " + path);
}

Descriptor open_folder(const std::string& path) {
  Descriptor folder(::open(path.c_str(), folder_flags));
  if (!folder && errno == ENOENT)
    throw Failure("there is no state directory " + path + "; make it: install -d -m 700 " + path +
                  ", as the user that ecrelayd runs as");
  if (!folder)
    throw system_failure("cannot open the state directory " + path +
                         " (it must be a folder of its own, not a symbolic link)");
  check_fitness(folder, path);
  return folder;
}

/// False when somebody else has it, and keeps it.
bool take_lock(const Descriptor& lock, Duration patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (::flock(lock.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK || std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

Descriptor lock_folder(const Descriptor& folder, const std::string& path, Duration patience) {
  const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
  Descriptor lock(::openat(folder.number(), "lock", flags, 0600));
  if (!lock) throw system_failure("cannot open " + path + "/lock");
  if (take_lock(lock, patience)) return lock;
  if (errno != EWOULDBLOCK) throw system_failure("cannot lock " + path + "/lock");
  throw Failure(path + " is in use by another ecrelayd; stop it first");
}

Descriptor open_spool(const Descriptor& folder, const std::string& path, Files& files) {
  if (::mkdirat(folder.number(), "spool", 0700) == 0)
    files.sync_directory(folder.number());
  else if (errno != EEXIST)
    throw system_failure("cannot make " + path + "/spool");
  Descriptor spool(::openat(folder.number(), "spool", folder_flags));
  if (!spool) throw system_failure("cannot open " + path + "/spool");
  check_fitness(spool, path + "/spool");
  return spool;
}

}  // namespace

StateDirectory::StateDirectory(const std::string& path, Files& files, Duration patience)
    : folder_(open_folder(plain(path))),
      lock_(lock_folder(folder_, path, patience)),
      spool_(open_spool(folder_, path, files)) {
  std::error_code error;
  path_ = std::filesystem::canonical(path, error).string();
  if (error) throw Failure("cannot resolve " + path + ": " + error.message());
}

Space StateDirectory::space() const {
  struct statvfs facts {};
  if (::fstatvfs(folder_.number(), &facts) != 0)
    throw system_failure("cannot ask for free space of " + path_);
  return Space{std::uint64_t{facts.f_bavail} * facts.f_frsize,
               std::uint64_t{facts.f_blocks} * facts.f_frsize};
}

}  // namespace ecrelay::store

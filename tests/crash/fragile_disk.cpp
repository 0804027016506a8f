// A library for LD_PRELOAD under ecrelayd: the disk below the state folder, which may end the
// process before any step, and which forgets what was not synced.
//
//   FRAGILE_STATE    the state folder, absolute, without links
//   FRAGILE_KILL_AT  "3 sync wal": the process is killed (SIGKILL) before its third step of that
//   kind FRAGILE_REPORT   a file that is made when that happens; in a run that ends well it gets a
//   line
//                    "COUNT KIND" for each kind of step
//   FRAGILE_SHADOW   empty folder: there lies at any time what a power cut would leave:
//                    `names` has a line "ID PATH" for each file, whose bytes are in `ID`
//   FRAGILE_SWALLOW  syncs of this kind are said to be done, and are not: spool, wal, book or names
//   FRAGILE_UNREADABLE  a file: while it is there, no read below the state folder succeeds (EIO)
//   FRAGILE_SHORT    each write takes half of what it is given, as write(2) may
//
// A step is a call that changes a file: write, sync, truncate, create, remove. Files: the bytes as
// of the last fsync or fdatasync. Names: as of the last fsync of their folder.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace {

template <typename Call>
Call real(const char* name) {
  return reinterpret_cast<Call>(dlsym(RTLD_NEXT, name));
}

std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

int real_open(const char* path, int flags) {
  static const auto call = real<int (*)(const char*, int, ...)>("open64");
  return call(path, flags, 0600);
}
ssize_t real_pwrite(int file, const void* from, size_t count, off_t at) {
  static const auto call = real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite64");
  return call(file, from, count, at);
}
int real_close(int file) {
  static const auto call = real<int (*)(int)>("close");
  return call(file);
}

/// What of a file has been written since its last sync.
struct File {
  std::string path;  ///< below the state folder
  std::string id;
  std::vector<std::pair<off_t, off_t>> dirty;  ///< from, to
};

class Disk {
 public:
  Disk() {
    if (state_.empty()) return;
    look_at("");
    look_at("/spool");
    for (auto& [inode, file] : files_) keep_bytes(file, state_ + file.path, true);
    for (const char* folder : {"", "/spool"}) keep_names(folder);
  }

  static Disk& get() {
    static Disk disk;
    return disk;
  }

  std::mutex& mutex() { return mutex_; }
  bool short_writes() const { return short_writes_; }

  /// The path below the state folder of a descriptor; nothing for others.
  const std::string* path(int descriptor) const {
    const auto found = open_.find(descriptor);
    return found == open_.end() ? nullptr : &found->second;
  }

  /// Before a step is taken; with mutex() locked once.
  void step(const std::string& what) {
    const std::string now = std::to_string(++steps_[what]) + " " + what;
    if (now != kill_at_) return;
    report(now + "\n");
    mutex_.unlock();  // the other threads go on for a moment: a promise given too early gets out
    usleep(20'000);
    kill(getpid(), SIGKILL);
  }

  void opened(int descriptor) {
    if (state_.empty() || descriptor < 0) return;
    char link[64], target[4096];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    const ssize_t length = readlink(link, target, sizeof target);
    const std::string path(target, length > 0 ? static_cast<size_t>(length) : 0);
    if (path != state_ && !path.starts_with(state_ + "/")) return;
    const std::string below = path.substr(state_.size());
    if (below.ends_with("-shm") || below == "/lock" || below == "/ballast") return;
    open_[descriptor] = below;
    struct stat facts {};
    if (fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode)) know(facts.st_ino, below);
  }
  void closed(int descriptor) { open_.erase(descriptor); }

  void written(int descriptor, off_t from, ssize_t count) {
    if (count <= 0 || shadow_.empty()) return;
    if (File* file = file_of(descriptor)) file->dirty.emplace_back(from, from + count);
  }

  bool unreadable(int descriptor) const {
    return !unreadable_.empty() && path(descriptor) != nullptr &&
           access(unreadable_.c_str(), F_OK) == 0;
  }

  void removed(ino_t inode) { files_.erase(inode); }

  bool swallows(const std::string& path, bool folder) const {
    if (folder) return swallow_ == "names";
    return swallow_ == kind(path);
  }

  void synced(int descriptor) {
    if (shadow_.empty()) return;
    struct stat facts {};
    const std::string* below = path(descriptor);
    if (!below || fstat(descriptor, &facts) != 0) return;
    if (S_ISDIR(facts.st_mode)) return keep_names(*below);
    if (File* file = file_of(descriptor)) keep_bytes(*file, state_ + *below, false);
  }

  static std::string kind(const std::string& path) {
    if (path.starts_with("/spool/")) return "spool";
    if (path.ends_with("-wal")) return "wal";
    if (path.starts_with("/book.db")) return "book";
    return path == "/spool" || path.empty() ? "names" : "file";
  }

  void report(const std::string& lines) const {
    if (report_.empty()) return;
    const int file = real_open(report_.c_str(), O_WRONLY | O_CREAT | O_TRUNC);
    real_pwrite(file, lines.data(), lines.size(), 0);
    real_close(file);
  }

  ~Disk() {
    std::string lines;
    for (const auto& [what, count] : steps_) lines += std::to_string(count) + " " + what + "\n";
    report(lines);
  }

 private:
  File* file_of(int descriptor) {
    struct stat facts {};
    if (fstat(descriptor, &facts) != 0) return nullptr;
    const auto found = files_.find(facts.st_ino);
    return found == files_.end() ? nullptr : &found->second;
  }

  File& know(ino_t inode, const std::string& below) {
    const auto [place, is_new] = files_.try_emplace(inode);
    if (is_new) place->second = File{below, std::to_string(++last_id_), {}};
    return place->second;
  }

  /// The files of a folder that were there before; they are taken for synced.
  void look_at(const std::string& folder) {
    each_file(folder, [&](const std::string& below, ino_t inode) { know(inode, below); });
  }

  template <typename Visit>
  void each_file(const std::string& folder, Visit visit) {
    DIR* listing = opendir((state_ + folder).c_str());
    if (!listing) return;
    while (const dirent* entry = readdir(listing)) {
      const std::string below = folder + "/" + entry->d_name;
      struct stat facts {};
      if (lstat((state_ + below).c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) continue;
      if (below.ends_with("-shm") || below == "/lock" || below == "/ballast") continue;
      visit(below, facts.st_ino);
    }
    closedir(listing);
  }

  void keep_bytes(File& file, const std::string& path, bool whole) {
    if (shadow_.empty()) return;
    const int from = real_open(path.c_str(), O_RDONLY);
    const int to = real_open((shadow_ + "/" + file.id).c_str(), O_WRONLY | O_CREAT);
    struct stat facts {};
    fstat(from, &facts);
    if (whole) file.dirty = {{0, facts.st_size}};
    std::vector<char> bytes;
    static const auto fetch = real<ssize_t (*)(int, void*, size_t, off_t)>("pread64");
    for (const auto& [begin, end] : file.dirty) {
      bytes.resize(static_cast<size_t>(end - begin));
      const ssize_t count = fetch(from, bytes.data(), bytes.size(), begin);
      if (count > 0) real_pwrite(to, bytes.data(), static_cast<size_t>(count), begin);
    }
    static const auto cut = real<int (*)(int, off_t)>("ftruncate64");
    cut(to, facts.st_size);
    file.dirty.clear();
    real_close(to);
    real_close(from);
  }

  void keep_names(const std::string& folder) {
    if (shadow_.empty()) return;
    std::map<std::string, std::string> kept;
    for (const auto& [below, id] : names_)
      if (below.substr(0, below.rfind('/')) != folder) kept.emplace(below, id);
    each_file(folder, [&](const std::string& below, ino_t inode) {
      kept.emplace(below, know(inode, below).id);
    });
    names_ = std::move(kept);
    std::string lines;
    for (const auto& [below, id] : names_) lines += id + " " + below.substr(1) + "\n";
    const std::string next = shadow_ + "/names.new";
    const int file = real_open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC);
    real_pwrite(file, lines.data(), lines.size(), 0);
    real_close(file);
    std::rename(next.c_str(), (shadow_ + "/names").c_str());
  }

  const std::string state_ = setting("FRAGILE_STATE");
  const std::string shadow_ = setting("FRAGILE_SHADOW");
  const std::string report_ = setting("FRAGILE_REPORT");
  const std::string swallow_ = setting("FRAGILE_SWALLOW");
  const bool short_writes_ = !setting("FRAGILE_SHORT").empty();
  const std::string unreadable_ = setting("FRAGILE_UNREADABLE");
  const std::string kill_at_ = setting("FRAGILE_KILL_AT");
  std::mutex mutex_;
  std::map<std::string, long> steps_;  ///< taken so far, by kind
  int last_id_ = 0;
  std::map<int, std::string> open_;
  std::map<ino_t, File> files_;
  std::map<std::string, std::string> names_;  ///< that a power cut leaves, with their ids
};

using Lock = std::lock_guard<std::mutex>;

/// Counts the step if it is one of ours.
bool begins(int descriptor, const char* what) {
  Disk& disk = Disk::get();
  const std::string* path = disk.path(descriptor);
  if (!path) return false;
  disk.step(std::string(what) + " " + Disk::kind(*path));
  return true;
}

template <typename Open>
int opening(int flags, Open open) {
  Disk& disk = Disk::get();
  const Lock lock(disk.mutex());
  const int descriptor = open();
  if (descriptor >= 0) disk.opened(descriptor);
  if (descriptor >= 0 && (flags & O_EXCL) != 0) begins(descriptor, "create");
  return descriptor;
}

template <typename Write>
ssize_t writing(int file, off_t at, size_t count, Write write) {
  Disk& disk = Disk::get();
  const Lock lock(disk.mutex());
  const bool ours = begins(file, "write");
  if (ours && disk.short_writes() && count > 1) count = (count + 1) / 2;
  const ssize_t written = write(count);
  if (!ours) return written;
  struct stat facts {};
  if (at < 0 && fstat(file, &facts) == 0) at = facts.st_size - written;  // appended
  disk.written(file, at, written);
  return written;
}

template <typename Read>
ssize_t reading(int file, Read read) {
  Disk& disk = Disk::get();
  {
    const Lock lock(disk.mutex());
    if (disk.unreadable(file)) {
      errno = EIO;
      return -1;
    }
  }
  return read();
}

template <typename Sync>
int syncing(int file, Sync sync) {
  Disk& disk = Disk::get();
  const Lock lock(disk.mutex());
  if (!begins(file, "sync")) return sync();
  struct stat facts {};
  const bool folder = fstat(file, &facts) == 0 && S_ISDIR(facts.st_mode);
  if (disk.swallows(*disk.path(file), folder)) return 0;
  disk.synced(file);
  return 0;  // nothing here depends on the real disk
}

template <typename Remove>
int removing(int folder, const char* name, Remove remove) {
  Disk& disk = Disk::get();
  const Lock lock(disk.mutex());
  struct stat facts {};
  const bool there = fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW) == 0;
  const std::string path(name);
  const bool ours = path.ends_with(".seg") || path.ends_with("-wal") || path == "refused";
  if (ours) disk.step("remove " + std::string(path.ends_with(".seg") ? "spool" : "file"));
  const int code = remove();
  if (ours && there && code == 0) disk.removed(facts.st_ino);
  return code;
}

mode_t mode_of(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  static const auto call = real<int (*)(const char*, int, ...)>("open");
  return opening(flags, [&] { return call(path, flags, mode); });
}
int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  static const auto call = real<int (*)(const char*, int, ...)>("open64");
  return opening(flags, [&] { return call(path, flags, mode); });
}
int openat(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  static const auto call = real<int (*)(int, const char*, int, ...)>("openat");
  return opening(flags, [&] { return call(folder, path, flags, mode); });
}
int openat64(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  static const auto call = real<int (*)(int, const char*, int, ...)>("openat64");
  return opening(flags, [&] { return call(folder, path, flags, mode); });
}
int __open_2(const char* path, int flags) { return open(path, flags); }
int __open64_2(const char* path, int flags) { return open64(path, flags); }
int __openat_2(int folder, const char* path, int flags) { return openat(folder, path, flags); }
int __openat64_2(int folder, const char* path, int flags) { return openat64(folder, path, flags); }

int close(int file) {
  Disk& disk = Disk::get();
  const Lock lock(disk.mutex());
  disk.closed(file);
  return real_close(file);
}

ssize_t write(int file, const void* from, size_t count) {
  static const auto call = real<ssize_t (*)(int, const void*, size_t)>("write");
  return writing(file, -1, count, [&](size_t some) { return call(file, from, some); });
}
ssize_t writev(int file, const iovec* from, int count) {
  static const auto call = real<ssize_t (*)(int, const iovec*, int)>("writev");
  std::vector<iovec> parts(from, from + count);
  size_t whole = 0;
  for (const iovec& part : parts) whole += part.iov_len;
  return writing(file, -1, whole, [&](size_t some) {
    for (iovec& part : parts) {
      part.iov_len = std::min(part.iov_len, some);
      some -= part.iov_len;
    }
    return call(file, parts.data(), count);
  });
}
ssize_t pwrite(int file, const void* from, size_t count, off_t at) {
  return writing(file, at, count, [&](size_t some) { return real_pwrite(file, from, some, at); });
}
ssize_t pwrite64(int file, const void* from, size_t count, off_t at) {
  return writing(file, at, count, [&](size_t some) { return real_pwrite(file, from, some, at); });
}

ssize_t pread(int file, void* to, size_t count, off_t at) {
  static const auto call = real<ssize_t (*)(int, void*, size_t, off_t)>("pread");
  return reading(file, [&] { return call(file, to, count, at); });
}
ssize_t pread64(int file, void* to, size_t count, off_t at) {
  static const auto call = real<ssize_t (*)(int, void*, size_t, off_t)>("pread64");
  return reading(file, [&] { return call(file, to, count, at); });
}

int ftruncate(int file, off_t length) {
  static const auto call = real<int (*)(int, off_t)>("ftruncate");
  const Lock lock(Disk::get().mutex());
  begins(file, "truncate");
  return call(file, length);
}
int ftruncate64(int file, off_t length) { return ftruncate(file, length); }

int fsync(int file) {
  static const auto call = real<int (*)(int)>("fsync");
  return syncing(file, [&] { return call(file); });
}
int fdatasync(int file) {
  static const auto call = real<int (*)(int)>("fdatasync");
  return syncing(file, [&] { return call(file); });
}

int unlink(const char* path) {
  static const auto call = real<int (*)(const char*)>("unlink");
  return removing(AT_FDCWD, path, [&] { return call(path); });
}
int unlinkat(int folder, const char* path, int flags) {
  static const auto call = real<int (*)(int, const char*, int)>("unlinkat");
  return removing(folder, path, [&] { return call(folder, path, flags); });
}
}

#include "unit/store/faulty_disk.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace ecrelay::store {
namespace {

FaultyDisk* the_disk = nullptr;

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

std::string path_of(int descriptor) {
  return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor)).string();
}

/// SQLite's own file behind a counter; the real one lies directly behind it in memory.
struct Shim {
  sqlite3_file base;
  std::string* path;
};
sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<Shim*>(file) + 1);
}
const std::string& path_of(sqlite3_file* file) { return *reinterpret_cast<Shim*>(file)->path; }
sqlite3_vfs* unix_vfs() { return sqlite3_vfs_find("unix"); }

std::string step_on(sqlite3_file* file, const char* what) {
  return std::string(what) + (path_of(file).ends_with("-wal") ? " wal" : " book");
}

int close(sqlite3_file* file) {
  const int code = real(file)->pMethods->xClose(real(file));
  delete reinterpret_cast<Shim*>(file)->path;
  return code;
}
int read(sqlite3_file* file, void* to, int amount, sqlite3_int64 at) {
  return real(file)->pMethods->xRead(real(file), to, amount, at);
}
int write(sqlite3_file* file, const void* from, int amount, sqlite3_int64 at) {
  if (the_disk->step_fails(step_on(file, "write")))
    return the_disk->io_errors ? SQLITE_IOERR_WRITE : SQLITE_FULL;
  return real(file)->pMethods->xWrite(real(file), from, amount, at);
}
int truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (the_disk->step_fails(step_on(file, "truncate"))) return SQLITE_IOERR_TRUNCATE;
  return real(file)->pMethods->xTruncate(real(file), size);
}
int sync(sqlite3_file* file, int flags) {
  if (the_disk->step_fails(step_on(file, "sync"))) return SQLITE_IOERR_FSYNC;
  const int code = real(file)->pMethods->xSync(real(file), flags);
  if (code == SQLITE_OK) the_disk->synced(path_of(file));
  return code;
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int lock(sqlite3_file* file, int level) { return real(file)->pMethods->xLock(real(file), level); }
int unlock(sqlite3_file* file, int level) {
  return real(file)->pMethods->xUnlock(real(file), level);
}
int reserved(sqlite3_file* file, int* out) {
  return real(file)->pMethods->xCheckReservedLock(real(file), out);
}
int control(sqlite3_file* file, int op, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), op, argument);
}
int sector_size(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
int characteristics(sqlite3_file* file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
}
int shm_lock(sqlite3_file* file, int offset, int n, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
}
void shm_barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
int shm_unmap(sqlite3_file* file, int remove) {
  return real(file)->pMethods->xShmUnmap(real(file), remove);
}

constexpr sqlite3_io_methods methods{
    2,         close,    read,    write,       truncate,        sync,    file_size, lock,
    unlock,    reserved, control, sector_size, characteristics, shm_map, shm_lock,  shm_barrier,
    shm_unmap, nullptr,  nullptr};

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
  const int code = unix_vfs()->xOpen(unix_vfs(), name, real(file), flags, out);
  file->pMethods = code == SQLITE_OK ? &methods : nullptr;
  if (code == SQLITE_OK) reinterpret_cast<Shim*>(file)->path = new std::string(name ? name : "");
  return code;
}

void install() {
  static sqlite3_vfs shim = [] {
    sqlite3_vfs copy = *unix_vfs();
    copy.zName = FaultyDisk::vfs;
    copy.szOsFile += static_cast<int>(sizeof(Shim));
    copy.xOpen = open;
    copy.pNext = nullptr;
    return copy;
  }();
  sqlite3_vfs_register(&shim, 0);
}

}  // namespace

FaultyDisk::FaultyDisk(std::string root) : root_(std::move(root)) {
  the_disk = this;
  install();
}

FaultyDisk::~FaultyDisk() { the_disk = nullptr; }

bool FaultyDisk::step_fails(const std::string& step) {
  steps_.push_back(step);
  return fails && fails(step);
}

void FaultyDisk::take(const std::string& step) {
  if (!step_fails(step)) return;
  errno = EIO;
  throw system_failure(step);
}

std::string FaultyDisk::relative(const std::string& path) const {
  return path.substr(root_.size() + 1);
}

void FaultyDisk::synced(const std::string& path) {
  const std::string name = relative(path);
  bytes_[name] = contents(path);
  names_.insert(name);  // SQLite syncs the directory of a file that it made
}

std::size_t FaultyDisk::count(const std::string& step) const {
  return static_cast<std::size_t>(std::count(steps_.begin(), steps_.end(), step));
}

void FaultyDisk::restore_synced(const std::string& directory) const {
  std::filesystem::create_directories(directory + "/spool");
  for (const char* folder : {"", "/spool"})
    std::filesystem::permissions(directory + folder, std::filesystem::perms::owner_all);
  for (const auto& [name, bytes] : bytes_)
    if (names_.contains(name)) std::ofstream(directory + "/" + name, std::ios::binary) << bytes;
}

Descriptor FaultyDisk::create(int directory, const std::string& name) {
  take("create");
  return system_files().create(directory, name);
}

void FaultyDisk::append(int file, std::initializer_list<std::string_view> parts) {
  if (step_fails("append")) {  // half of it arrives, as on a disk that becomes full
    for (const std::string_view part : parts)
      system_files().append(file, {part.substr(0, part.size() / 2)});
    errno = ENOSPC;
    throw system_failure("append");
  }
  system_files().append(file, parts);
}

void FaultyDisk::reserve(int file, std::uint64_t length) {
  take("reserve");
  system_files().reserve(file, length);
}

void FaultyDisk::truncate(int file, std::uint64_t length) {
  take("truncate");
  system_files().truncate(file, length);
}

void FaultyDisk::sync(int file) {
  take("sync spool");
  system_files().sync(file);
  const std::string path = path_of(file);
  bytes_[relative(path)] = contents(path);
}

void FaultyDisk::sync_directory(int directory) {
  take("sync directory");
  system_files().sync_directory(directory);
  const std::filesystem::path folder = path_of(directory);
  std::erase_if(names_, [&](const std::string& name) {
    return std::filesystem::path(root_ + "/" + name).parent_path() == folder;
  });
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_regular_file()) names_.insert(relative(entry.path().string()));
}

void FaultyDisk::remove(int directory, const std::string& name) {
  take("remove");
  system_files().remove(directory, name);
}

}  // namespace ecrelay::store

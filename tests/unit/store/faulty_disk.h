#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "store/files.h"

namespace ecrelay::store {

/// A disk between the store and the real one that counts every step of writing (spool and SQLite
/// alike) and fails those that a test chooses. It also keeps what a power cut would leave: of each
/// file the bytes of its last sync, of each directory the names of its last sync.
///
/// One at a time; SQLite finds it under the name in `vfs`.
class FaultyDisk final : public Files {
 public:
  static constexpr const char* vfs = "faulty";

  explicit FaultyDisk(std::string root);
  ~FaultyDisk() override;

  /// Called with the name of each step before it is taken: "append", "sync spool", "sync book",
  /// "sync wal", "write wal" …; true makes it fail. On whatever thread takes the step.
  std::function<bool(const std::string& step)> fails;

  /// SQLite's writes that fail do so with an I/O error, instead of a full disk.
  bool io_errors = false;

  /// Makes `directory` what the disk holds after a power cut at this moment.
  void restore_synced(const std::string& directory) const;
  const std::vector<std::string>& steps() const { return steps_; }
  std::size_t count(const std::string& step) const;

  Descriptor create(int directory, const std::string& name) override;
  void append(int file, std::initializer_list<std::string_view> parts) override;
  void reserve(int file, std::uint64_t length) override;
  void truncate(int file, std::uint64_t length) override;
  void sync(int file) override;
  void sync_directory(int directory) override;
  void remove(int directory, const std::string& name) override;

  /// Of the SQLite side.
  bool step_fails(const std::string& step);
  void synced(const std::string& path);

 private:
  void take(const std::string& step);
  std::string relative(const std::string& path) const;

  std::string root_;
  std::vector<std::string> steps_;
  std::map<std::string, std::string> bytes_;  ///< by path below root: as of the last sync
  std::set<std::string> names_;               ///< below root: known to a synced directory
};

}  // namespace ecrelay::store

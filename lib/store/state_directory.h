#pragma once

#include <cstdint>
#include <string>

#include "core/time.h"
#include "store/files.h"

namespace ecrelay::store {

struct Space {
  std::uint64_t free = 0;  ///< bytes that this process may still write
  std::uint64_t total = 0;
};

/// The folder that holds everything: `book.db`, `spool/`, `lock`, `flights`. It must exist, be no
/// symbolic link, belong to this user and be closed to all others (0700); `spool/` is made when
/// missing. One process holds it at a time, for as long as this object lives.
class StateDirectory {
 public:
  /// Failure says what is wrong and how to mend it; "in use" when another process holds it and does
  /// not end within `patience`.
  StateDirectory(const std::string& path, Files& files, Duration patience = {});

  const std::string& path() const { return path_; }  ///< absolute, without symbolic links
  std::string book() const { return path_ + "/book.db"; }
  int folder() const { return folder_.number(); }
  int spool() const { return spool_.number(); }
  /// Any thread; microseconds.
  Space space() const;

 private:
  std::string path_;
  Descriptor folder_;
  Descriptor lock_;
  Descriptor spool_;
};

}  // namespace ecrelay::store

#pragma once

#include <cstdint>
#include <set>
#include <string>

namespace ecrelay::store {

/// What a backup has copied.
struct BackupReport {
  std::uint64_t book_bytes = 0;
  std::uint64_t segments = 0;
  std::uint64_t spool_bytes = 0;
  std::uint64_t archive_bytes = 0;
  std::int64_t queued = 0;  ///< recipients that wait in the copy
  std::int64_t held = 0;
  std::set<std::uint64_t> segments_missing;  ///< needed, and missing in the original too
};

/// Copies book, archives and live spool of `state_dir` into the folder `target`, which is made or
/// must be empty; a relay started on it goes on from the state of one moment. The relay may be
/// running, delivering and clearing its spool meanwhile: it is not held up, its WAL grows until the
/// book is copied. All is synced on return. Reads and writes everything once. Throws Failure.
BackupReport back_up(const std::string& state_dir, const std::string& target);

}  // namespace ecrelay::store

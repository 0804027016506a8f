#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/ulid.h"
#include "records/message.h"
#include "records/spool_record.h"
#include "store/files.h"

namespace ecrelay::store {

/// The bodies: append-only segment files, named by 16 hexadecimal digits and ".seg". Which
/// segments are still needed is a fact of the book; the spool only writes, reads and removes.
/// One thread (the store thread) appends, syncs and removes; any thread reads.
class Spool {
 public:
  struct Settings {
    std::uint64_t segment_size = std::uint64_t{64} << 20;  ///< a segment is closed beyond this
  };

  /// `directory` stays open as long as the spool lives. Nothing is ever appended to a segment of
  /// an earlier run, whose end may be torn: numbers begin at `first_segment`.
  Spool(int directory, Files& files, std::uint64_t first_segment, Settings settings);

  /// Writes a record into the active segment; on disk only after sync(). After a Failure nothing
  /// of it is referred to, and the spool can go on.
  records::Location append(const Ulid& id, std::string_view head, std::string_view body);
  /// One fdatasync for all records since the last; more when a segment was begun in between.
  /// A Failure is the end of this spool for good: see Files::sync.
  void sync();
  bool needs_sync() const { return dirty_ || !unsynced_.empty(); }

  /// Reads a record back and checks it. Any thread; four system calls and one pass over the bytes.
  /// Error `not_found` when the segment is missing, `invalid` when the record is damaged,
  /// `unavailable` when the disk fails.
  Result<records::Body> read(const Ulid& id, const records::Location& location) const;

  /// Removes a closed segment, when it is there. `active()` must not be removed.
  void remove(std::uint64_t segment);
  std::uint64_t active() const { return active_number_; }

  struct Closed {
    std::uint64_t segment = 0;
    std::uint64_t size = 0;  ///< bytes
  };
  /// Segments that nothing is appended to any more, since clear_closed().
  const std::vector<Closed>& closed() const { return closed_; }
  void clear_closed() { closed_.clear(); }

  /// Numbers of the segment files in a spool directory; other files are none of its business.
  static std::set<std::uint64_t> segments(int directory);
  /// Bytes of a segment's file; 0 when it is missing.
  static std::uint64_t size(int directory, std::uint64_t segment);
  static std::string name(std::uint64_t segment);  ///< "000000000000002a.seg"

 private:
  void begin_segment();
  void close_segment();
  void cut_back();

  int directory_;
  Files& files_;
  Settings settings_;
  std::uint64_t active_number_;
  std::uint64_t active_length_ = 0;
  Descriptor active_;                 ///< none until the first append
  std::vector<Descriptor> unsynced_;  ///< closed since the last sync
  std::vector<Closed> closed_;
  bool dirty_ = false;        ///< the active segment was appended to since then
  bool name_is_new_ = false;  ///< a segment was made since then
};

}  // namespace ecrelay::store

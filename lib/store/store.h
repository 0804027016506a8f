#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "store/ballast.h"
#include "store/database.h"
#include "store/flights.h"
#include "store/spool.h"
#include "store/state_directory.h"
#include "store/writer.h"

namespace ecrelay::store {

/// What opening found and did.
struct StartReport {
  std::int64_t refused_removed = 0;          ///< messages of a failed commit, taken out
  std::uint64_t segments_removed = 0;        ///< files that no open message needs
  std::set<std::uint64_t> segments_missing;  ///< files that open messages need: to be shouted about
  std::vector<std::string> archives_missing;  ///< why months that have left the book cannot be read
};

/// Book and spool of one state directory, open for writing. Opening takes the lock, brings the
/// schema up to date, makes the WAL of an earlier run part of the book, removes what a broken
/// writer had refused, and cleans the spool; on a full disk it gives up the ballast for that. It
/// loads no queue: QueueReader does, page by page.
class Store {
 public:
  struct Settings {
    std::string state_dir;
    Spool::Settings spool;
    Writer::Settings writer;
    std::uint64_t ballast = std::uint64_t{16} << 20;  ///< bytes; 0: none
    Duration predecessor{};     ///< how long another process may still hold it
    Files* files = nullptr;     ///< another file layer, for tests
    const char* vfs = nullptr;  ///< another SQLite file layer, for tests
  };

  /// Throws Failure: directory unfit, in use, book damaged or newer than this program.
  explicit Store(Settings settings);
  ~Store();  ///< stops the writer

  Writer& writer() { return *writer_; }
  /// Network thread.
  Flights& flights() { return flights_; }
  const StartReport& start_report() const { return report_; }
  /// Path of the book, for SuppressionIndex, QueueReader and Inquiry.
  std::string book() const { return directory_.book(); }
  /// Segments from here on belong to this run.
  std::uint64_t first_segment() const { return first_segment_; }
  /// The number, within the book, of the last message of earlier runs.
  std::int64_t last_of_earlier_runs() const { return last_of_earlier_runs_; }

  /// Spool::read; where the body has been moved since `location` was read, the book is asked again.
  /// Any thread. A body may be gone as soon as the last recipient of its message is final: what
  /// still needs it reads it before it records the outcome.
  Result<records::Body> read(const Ulid& id, records::Location location) const;
  /// Any thread.
  Space space() const { return directory_.space(); }

 private:
  void take_ballast();
  void clean_spool();

  Files& files_;
  StateDirectory directory_;
  Ballast ballast_;
  Flights flights_;
  Connection connection_;
  StartReport report_;
  std::uint64_t first_segment_ = 0;
  std::int64_t last_of_earlier_runs_ = 0;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<Writer> writer_;
};

}  // namespace ecrelay::store

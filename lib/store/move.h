#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "store/job.h"

/// Clearing sparse segments: when a closed segment's live records are less than a quarter of it,
/// they are copied forward, and the file goes. So the spool is never larger than four times what is
/// live, and the segment that is being written.
namespace ecrelay::store {

/// Copies one message's record to the end of the spool and lets its row say so; nothing when the
/// message has ended meanwhile. `done` is told whether the record could be read and written.
class MoveJob final : public Job {
 public:
  MoveJob(const Ulid& message, const records::Location& from, std::function<void(bool)> done)
      : message_(message), from_(from), done_(std::move(done)) {}

  void append(Spool& spool) override;
  void write(Transaction& change) override;
  void answer() override { done_(to_.has_value() && !error()); }

 private:
  Ulid message_;
  records::Location from_;
  std::optional<records::Location> to_;
  std::function<void(bool)> done_;
};

struct LiveRecord {
  Ulid message;
  records::Location location;
};

/// A closed segment to be cleared, which is not one of `without`. Microseconds: there is an index.
std::optional<std::uint64_t> sparse_segment(Connection& book,
                                            const std::vector<std::uint64_t>& without);
/// Live records of a segment, together about `bytes` and at least one.
std::vector<LiveRecord> live_records(Connection& book, std::uint64_t segment, std::uint64_t bytes);

}  // namespace ecrelay::store

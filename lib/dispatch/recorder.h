#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/histogram.h"
#include "core/money.h"
#include "dispatch/conclusion.h"
#include "dispatch/job.h"
#include "dispatch/ports.h"
#include "log/events.h"

namespace ecrelay::dispatch {

/// How attempts ended since the start, by recipient.
struct Tally {
  std::uint64_t sent = 0;
  std::uint64_t deferred = 0;
  std::uint64_t bounced = 0;
  std::uint64_t expired = 0;
  std::uint64_t in_doubt = 0;  ///< of the deferred and held: they may have been delivered
  std::uint64_t reports = 0;   ///< of ours, to senders
  Money charged;
  Histogram attempts{remote_bounds};  ///< seconds from connecting (or reusing) to the last reply
  Histogram delays{delay_bounds};     ///< seconds from acceptance to sent
};

/// An attempt that has ended. The job is without head and body.
struct Ending {
  Job job;
  Conclusion conclusion;
  Attempted attempted;
};

/// Writes endings into the book, and tells and counts what the book then holds. Network thread.
class Recorder {
 public:
  /// Both outlive the recorder.
  Recorder(Ports& ports, const Rules& rules) : ports_(ports), rules_(rules) {}

  /// What the results mean, with the report to the sender. The job still has its head.
  std::shared_ptr<const Ending> conclude(const Job& job,
                                         const std::vector<smtp::RecipientResult>& results,
                                         const Attempted& attempted) const;
  /// True when the book has it. False: the book refused or failed, nothing was told; what it does
  /// not know must not be sent again by this process.
  asio::awaitable<bool> record(std::shared_ptr<const Ending> ending);

  const Tally& tally() const { return tally_; }

 private:
  void tell(const Ending& ending) const;
  void count(const Ending& ending);

  Ports& ports_;
  const Rules& rules_;
  Tally tally_;
};

}  // namespace ecrelay::dispatch

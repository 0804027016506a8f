#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/money.h"
#include "core/result.h"
#include "core/time.h"
#include "core/ulid.h"
#include "net/awaitable.h"
#include "net/resolver.h"
#include "net/workers.h"
#include "records/spool_record.h"
#include "store/flights.h"
#include "store/suppression.h"
#include "store/writer.h"

namespace ecrelay::dispatch {

/// What all upstreams work with; outlives them. Callbacks run on the network thread, but for
/// read_body, which runs on a worker.
struct Ports {
  asio::any_io_executor executor;
  net::Resolver& resolver;
  net::Workers& workers;
  store::Writer& writer;
  store::Flights& flights;
  std::function<Result<records::Body>(const Ulid&, const records::Location&)> read_body;
  std::function<std::vector<store::QueueItem>(const Ulid&)>
      waiting;  ///< what the book has queued of it
  /// The entry of the suppression list that keeps this message of the shop from this key, or
  /// nothing.
  std::function<Result<std::optional<store::Listing>>(const Ulid& message, const std::string& shop,
                                                      const std::string& key, TimePoint at)>
      listed;
  std::function<void(std::function<void()>)> post;  ///< any thread: runs it on the network thread
  std::function<void(const std::string& shop, Money amount, TimePoint at)> on_charged;
  /// A sign was weighed; what it came to is in the book.
  std::function<void(const store::Weighed&)> on_weighed;
  /// By so much has the number of queued recipients changed.
  std::function<void(std::int64_t)> on_queued;
};

}  // namespace ecrelay::dispatch

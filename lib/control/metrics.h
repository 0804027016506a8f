#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/status.h"
#include "core/time.h"
#include "records/charge.h"
#include "records/signing_key.h"
#include "store/inquiry.h"

namespace ecrelay::control {

/// What only the book knows. It is read every half minute, not at each scrape.
struct BookFigures {
  store::QueueTotals queue;
  std::uint64_t open_months = 0;
  std::uint64_t closed_months = 0;
  records::Usage month;  ///< the current one, all shops
};
/// Some 0.2 s of a worker with a queue of a million; microseconds usually.
BookFigures read_figures(const std::string& book, TimePoint now);

/// In the Prometheus text format 0.0.4. Labels come from the configuration and from lists in the
/// program only, so that their number is bounded; a domain is named only while one of its DNS
/// records is not in order, and at most 1,000 of them. Without `figures` their families are absent.
std::string metrics(const Status& status, const std::vector<records::DnsRecord>& dns,
                    const std::optional<BookFigures>& figures, TimePoint now);

}  // namespace ecrelay::control

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/time.h"
#include "finance/month_files.h"

namespace ecrelay::finance {

/// What a manifest says beside its files. A month that is open has no closing.
struct ManifestHead {
  std::chrono::year_month month;
  std::string node;
  Format format;
  struct Closing {
    TimePoint at;
    std::string actor;
    std::string previous_sha256;  ///< of the month closed before; "" for the first
    std::string sha256;           ///< of the month's own manifest; "" within itself
  };
  std::optional<Closing> closing;
};

/// The text of manifest-YYYYMM.json: names, rows, sums and SHA-256 of the files, and the chain to
/// the month before. The same values give the same bytes. A closed month's own manifest is that of
/// its CSV in UTF-8 with English headings: its SHA-256 is what the next month is chained to, and
/// what manifests of other formats name as "month_sha256".
std::string manifest(const ManifestHead& head, const std::vector<FileSummary>& files);

std::string manifest_name(std::chrono::year_month month);  ///< "manifest-202611.json"

}  // namespace ecrelay::finance

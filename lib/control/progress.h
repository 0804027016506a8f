#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

namespace ecrelay::control {

/// How far the reading or moving of a month is, in rows of the ledger.
struct Progress {
  std::int64_t done = 0;
  std::int64_t all = 0;
};
using ProgressReport = std::function<void(const Progress&)>;

/// The progress of what runs now, written by one thread and read by others. `all` is 0 when nothing
/// does.
class Gauge {
 public:
  void show(const Progress& progress) {
    done_ = progress.done;
    all_ = progress.all;
  }
  Progress read() const { return Progress{done_, all_}; }
  ProgressReport report() {
    return [this](const Progress& progress) { show(progress); };
  }

 private:
  std::atomic<std::int64_t> done_ = 0;
  std::atomic<std::int64_t> all_ = 0;
};

}  // namespace ecrelay::control

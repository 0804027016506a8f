#pragma once

#include <spdlog/logger.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "log/line.h"
#include "log/log.h"
#include "log/target_sink.h"

namespace spdlog::details {
class thread_pool;
}

/// The log in force. Private to the module.
namespace ecrelay::log {

class Journal {
 public:
  Journal(const Options& options, std::shared_ptr<TargetSink> target);
  Journal(const Options& options, std::shared_ptr<Sink> sink);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  void write(const std::string& line);
  void reopen();
  bool tells(Level level) const { return level >= level_.load(std::memory_order_relaxed); }
  void set_level(Level level) { level_.store(level, std::memory_order_relaxed); }
  Format format() const { return format_.load(std::memory_order_relaxed); }
  void set_format(Format format);
  std::size_t lost() const;
  /// Whether its level is told or not.
  void count(Event event);
  std::vector<EventCount> counts() const;
  const std::string& node() const { return options_.node; }

 private:
  Options options_;
  std::atomic<Level> level_;
  std::atomic<Format> format_;
  struct Tally {
    std::atomic<std::uint64_t> count{0};
    std::atomic<TimePoint::rep> last{0};
  };
  std::array<Tally, event_kinds> tallies_;
  std::shared_ptr<spdlog::details::thread_pool> worker_;  // none for a Sink
  std::shared_ptr<TargetSink> target_;                    // none for a Sink
  std::shared_ptr<spdlog::logger> logger_;
};

/// Null before start() and after stop().
Journal* journal();

}  // namespace ecrelay::log

#pragma once

#include <spdlog/logger.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "log/line.h"
#include "log/log.h"
#include "log/repeats.h"
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
  bool priorities() const { return options_.priorities; }
  bool masks() const { return masks_.load(std::memory_order_relaxed); }
  void set_masking(bool mask) { masks_.store(mask, std::memory_order_relaxed); }
  /// Whether this line about the client is one of the first.
  bool admits(Event event, const std::string& client);
  void set_refusals(std::uint32_t a_minute);
  void tell_repeated(Repeats::Time at);

 private:
  Options options_;
  std::atomic<Level> level_;
  std::atomic<Format> format_;
  std::atomic<bool> masks_;
  struct Tally {
    std::atomic<std::uint64_t> count{0};
    std::atomic<TimePoint::rep> last{0};
  };
  std::array<Tally, event_kinds> tallies_;
  std::mutex repeats_mutex_;
  Repeats repeats_;
  std::shared_ptr<spdlog::details::thread_pool> worker_;  // none for a Sink
  std::shared_ptr<TargetSink> target_;                    // none for a Sink
  std::shared_ptr<spdlog::logger> logger_;
};

/// Null before start() and after stop().
Journal* journal();

}  // namespace ecrelay::log

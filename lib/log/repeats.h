#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "log/line.h"

namespace ecrelay::log {

/// Decides which lines about a client are written when they come again and again: the first so many
/// of an event and client within a minute; then only how many were left out. Private to the module.
class Repeats {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct LeftOut {
    Event event;
    std::string client;  ///< "" for those beyond the clients that are remembered
    std::uint64_t lines = 0;
  };
  static constexpr std::chrono::minutes window{1};
  static constexpr std::size_t most_clients = 4096;

  /// 0: every line is written.
  explicit Repeats(std::uint32_t a_minute) : a_minute_(a_minute) {}

  void set_limit(std::uint32_t a_minute) { a_minute_ = a_minute; }

  bool admit(Event event, const std::string& client, Time at);
  /// What windows that are over have left out, once.
  std::vector<LeftOut> over(Time at);

 private:
  struct Window {
    Time began;
    std::uint64_t lines = 0;
  };
  std::uint32_t a_minute_;
  std::map<std::pair<Event, std::string>, Window> windows_;
};

}  // namespace ecrelay::log

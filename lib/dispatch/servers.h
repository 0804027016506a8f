#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"

namespace ecrelay::dispatch {

/// The health of an upstream's servers: which may be tried, in which order. A server that failed
/// `breaker.failures` times in a row is closed for `breaker.pause`; after it one trial is allowed,
/// and a trial that fails doubles the pause. A value; time and randomness are arguments.
class Servers {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  Servers(std::vector<config::Server> servers, const config::ServerBreaker& breaker);

  /// The server to try now, of those not in `tried` (one flag a server): the lowest priority number
  /// first, within one priority by weight (`random` is uniform over 32 bits). A closed server whose
  /// pause is over is given to one caller only. Who is given a server must say succeeded() or
  /// failed() of it.
  std::optional<std::size_t> pick(Steady now, std::uint32_t random, const std::vector<bool>& tried);
  bool any_available(Steady now) const;
  /// When the first closed server may be tried; nothing while one is available now.
  std::optional<Steady> next_trial(Steady now) const;

  void succeeded(std::size_t server);
  void failed(std::size_t server, Steady now, std::string trouble);

  const config::Server& operator[](std::size_t index) const { return states_[index].server; }
  std::size_t size() const { return states_.size(); }
  /// Closed, or on trial: not to be tried by others now.
  bool closed(std::size_t server, Steady now) const { return !available(states_[server], now); }
  Steady closed_until(std::size_t server) const { return states_[server].closed_until; }
  /// What failed last; "" when the last try worked.
  const std::string& trouble(std::size_t server) const { return states_[server].trouble; }

 private:
  struct State {
    config::Server server;
    std::uint32_t failures = 0;  ///< in a row
    Duration pause{};            ///< of the last closing
    Steady closed_until{};
    bool on_trial = false;
    std::string trouble;
  };
  bool available(const State& state, Steady now) const;

  std::vector<State> states_;
  config::ServerBreaker breaker_;
};

}  // namespace ecrelay::dispatch

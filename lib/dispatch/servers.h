#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"

namespace ecrelay::dispatch {

/// The health of an upstream's servers: which may be tried, in which order. Each has a circuit
/// breaker. Closed: mail goes. Open: it failed `breaker.failures` times in a row (connection, TLS,
/// AUTH, 421) and is left alone for `breaker.pause`, then a probe connects to it without any mail;
/// a probe that fails doubles the pause. Half open: the probe came through, and one message at a
/// time goes until one has been answered. A value; time and randomness are arguments.
class Servers {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  Servers(std::vector<config::Server> servers, const config::ServerBreaker& breaker);

  /// The server to try now, of those not in `tried` (one flag a server): the lowest priority number
  /// first, within one priority by weight (`random` is uniform over 32 bits). Who is given a server
  /// must say succeeded(), failed() or unused() of it.
  std::optional<std::size_t> pick(std::uint32_t random, const std::vector<bool>& tried);
  bool any_available() const;
  bool any_available(const std::vector<bool>& tried) const;

  /// A transaction came to its end there.
  void succeeded(std::size_t server);
  void failed(std::size_t server, Steady now, std::string trouble);
  /// It was not needed after all.
  void unused(std::size_t server) { states_[server].on_trial = false; }

  /// An open server whose pause is over; who is given it must say came_through() or failed().
  std::optional<std::size_t> pick_for_probe(Steady now);
  void came_through(std::size_t server);
  /// When the first open server may be probed.
  std::optional<Steady> next_probe() const;

  const config::Server& operator[](std::size_t index) const { return states_[index].server; }
  std::size_t size() const { return states_.size(); }
  /// The breaker of this server is open: it gets no mail.
  bool is_open(std::size_t server) const { return states_[server].circuit == Circuit::open; }
  Steady open_until(std::size_t server) const { return states_[server].open_until; }
  /// What failed last; "" when the last try worked.
  const std::string& trouble(std::size_t server) const { return states_[server].trouble; }

 private:
  enum class Circuit { closed, open, half_open };
  struct State {
    config::Server server;
    Circuit circuit = Circuit::closed;
    std::uint32_t failures = 0;  ///< in a row
    Duration pause{};            ///< of the last opening
    Steady open_until{};
    bool on_trial = false;  ///< by a probe, or by the one message of a half-open circuit
    std::string trouble;

    bool available() const { return circuit != Circuit::open && !on_trial; }
  };

  std::vector<State> states_;
  config::ServerBreaker breaker_;
};

}  // namespace ecrelay::dispatch

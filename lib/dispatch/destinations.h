#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/settings.h"
#include "core/time.h"
#include "dispatch/agenda.h"

namespace ecrelay::dispatch {

/// How much at once, and how fast, each recipient domain may be sent to: the operator's limits,
/// and those that a domain asks for itself by its 421s and 450s about rates. A domain that asks
/// is given one transaction at a time, the pause it names or ten seconds, then a second between
/// two, doubled each time it asks again, up to a minute; each delivery takes a quarter off.
/// Messages that may not go yet are parked here and come back one by one, so a backlog for one
/// domain costs nothing while it waits. Domains are those of Address::key(). A value.
class Destinations {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  explicit Destinations(const std::vector<config::Destination>& limits) { set_limits(limits); }

  /// The operator's limits from now on; what domains asked for stays.
  void set_limits(const std::vector<config::Destination>& limits);

  /// May one more transaction with recipients of this domain begin? Then it is counted until
  /// leave(). Free for domains without limits.
  bool enter(const std::string& domain, Steady now);
  /// What may be tried now that a transaction is over: see ready().
  std::vector<Agenda::Turn> leave(const std::string& domain, Steady now);

  /// The message waits for the domain; leave() or ready() gives it back.
  void park(const std::string& domain, const Agenda::Turn& turn);
  /// What may be tried again now, of all domains; at most as much as they would take. Cost grows
  /// with the number of domains that are limited at this time.
  std::vector<Agenda::Turn> ready(Steady now);
  /// When a parked message may go that only waits for time.
  std::optional<Steady> next_ready() const;
  std::size_t parked() const { return parked_; }

  /// The domain said that it was too much; `named` is the delay that its reply named.
  void slow_down(const std::string& domain, Steady now, std::optional<Duration> named);
  void delivered(const std::string& domain);
  /// How many domains are being slowed down.
  std::size_t slowed() const;

 private:
  struct Limit {
    std::optional<std::uint32_t> concurrency;
    Duration interval{};  ///< between two transactions
  };
  struct State {
    Limit limit;
    std::uint32_t in_flight = 0;
    Duration penalty{};  ///< between two transactions, as the domain asked
    Steady next{};       ///< none begins before
    std::deque<Agenda::Turn> parked;

    Duration interval() const { return std::max(limit.interval, penalty); }
    bool has_room() const;
    bool is_idle(Steady now) const;
  };
  void take_ready(State& state, Steady now, std::vector<Agenda::Turn>& turns);
  const Limit& limit_of(const std::string& domain) const;
  State& state_of(const std::string& domain);

  Limit others_;
  std::unordered_map<std::string, Limit> limits_;
  std::unordered_map<std::string, State> states_;  ///< domains with something to remember
  std::size_t parked_ = 0;
};

}  // namespace ecrelay::dispatch

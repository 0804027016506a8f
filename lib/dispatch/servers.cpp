#include "dispatch/servers.h"

#include <algorithm>
#include <utility>

namespace ecrelay::dispatch {

Servers::Servers(std::vector<config::Server> servers, const config::ServerBreaker& breaker)
    : breaker_(breaker) {
  for (config::Server& server : servers) {
    State state;
    state.server = std::move(server);
    states_.push_back(std::move(state));
  }
}

bool Servers::any_available() const {
  return std::any_of(states_.begin(), states_.end(),
                     [](const State& state) { return state.available(); });
}

bool Servers::any_available(const std::vector<bool>& tried) const {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (!tried[i] && states_[i].available()) return true;
  }
  return false;
}

std::optional<std::size_t> Servers::pick(std::uint32_t random, const std::vector<bool>& tried) {
  std::vector<std::size_t> best;
  std::uint64_t total_weight = 0;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (tried[i] || !states_[i].available()) continue;
    const config::Server& server = states_[i].server;
    if (!best.empty() && server.priority > states_[best.front()].server.priority) continue;
    if (!best.empty() && server.priority < states_[best.front()].server.priority) {
      best.clear();
      total_weight = 0;
    }
    best.push_back(i);
    total_weight += server.weight;
  }
  if (best.empty()) return std::nullopt;
  std::uint64_t point = total_weight == 0 ? 0 : random % total_weight;
  std::size_t chosen = best.front();
  for (const std::size_t i : best) {
    chosen = i;
    if (point < states_[i].server.weight) break;
    point -= states_[i].server.weight;
  }
  if (states_[chosen].circuit == Circuit::half_open) states_[chosen].on_trial = true;
  return chosen;
}

void Servers::succeeded(std::size_t server) {
  State& state = states_[server];
  // Of a connection made before the circuit opened: it says nothing about new ones.
  if (state.circuit == Circuit::open) return;
  state.circuit = Circuit::closed;
  state.failures = 0;
  state.pause = Duration(0);
  state.trouble.clear();
  state.on_trial = false;
}

void Servers::failed(std::size_t server, Steady now, std::string trouble) {
  State& state = states_[server];
  state.trouble = std::move(trouble);
  ++state.failures;
  const bool was_on_probe = state.circuit == Circuit::open && state.on_trial;
  const bool opens_again = state.circuit == Circuit::half_open || was_on_probe;
  state.on_trial = false;
  if (state.circuit == Circuit::open && !was_on_probe) return;
  if (!opens_again && state.failures < breaker_.failures) return;
  state.pause = opens_again ? std::min(state.pause * 2, breaker_.longest_pause) : breaker_.pause;
  state.circuit = Circuit::open;
  state.open_until = now + state.pause;
}

std::optional<std::size_t> Servers::pick_for_probe(Steady now) {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    State& state = states_[i];
    if (state.circuit != Circuit::open || state.on_trial || now < state.open_until) continue;
    state.on_trial = true;
    return i;
  }
  return std::nullopt;
}

void Servers::came_through(std::size_t server) {
  State& state = states_[server];
  state.circuit = Circuit::half_open;
  state.on_trial = false;
}

std::optional<Servers::Steady> Servers::next_probe() const {
  std::optional<Steady> first;
  for (const State& state : states_) {
    if (state.circuit != Circuit::open || state.on_trial) continue;
    first = first ? std::min(*first, state.open_until) : state.open_until;
  }
  return first;
}

}  // namespace ecrelay::dispatch

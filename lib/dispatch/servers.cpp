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

bool Servers::available(const State& state, Steady now) const {
  return !state.on_trial && now >= state.closed_until;
}

bool Servers::any_available(Steady now) const {
  return std::any_of(states_.begin(), states_.end(),
                     [&](const State& state) { return available(state, now); });
}

std::optional<Servers::Steady> Servers::next_trial(Steady now) const {
  if (any_available(now)) return std::nullopt;
  Steady first = Steady::max();
  for (const State& state : states_) {
    if (!state.on_trial) first = std::min(first, state.closed_until);
  }
  return first;
}

std::optional<std::size_t> Servers::pick(Steady now, std::uint32_t random,
                                         const std::vector<bool>& tried) {
  std::vector<std::size_t> best;
  std::uint64_t total_weight = 0;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (tried[i] || !available(states_[i], now)) continue;
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
  if (states_[chosen].pause.count() > 0) states_[chosen].on_trial = true;
  return chosen;
}

void Servers::succeeded(std::size_t server) {
  State& state = states_[server];
  state.failures = 0;
  state.pause = Duration(0);
  state.trouble.clear();
  state.closed_until = Steady();
  state.on_trial = false;
}

void Servers::failed(std::size_t server, Steady now, std::string trouble) {
  State& state = states_[server];
  state.trouble = std::move(trouble);
  state.on_trial = false;
  ++state.failures;
  const bool trial_failed = state.pause.count() > 0;
  if (!trial_failed && state.failures < breaker_.failures) return;
  state.pause = trial_failed ? std::min(state.pause * 2, breaker_.longest_pause) : breaker_.pause;
  state.closed_until = now + state.pause;
}

}  // namespace ecrelay::dispatch

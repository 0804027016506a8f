#include "dispatch/destinations.h"

#include <algorithm>

#include "mail/address.h"
#include "policy/retry.h"

namespace ecrelay::dispatch {
namespace {

using std::chrono::seconds;

constexpr Duration first_pause = seconds(10);
constexpr Duration least_penalty = seconds(1);
constexpr Duration most_penalty = seconds(60);
/// Below this a penalty is over.
constexpr Duration no_penalty = std::chrono::milliseconds(50);

Duration interval_of(const std::optional<std::uint32_t>& per_second) {
  return per_second ? Duration(seconds(1)) / *per_second : Duration(0);
}

}  // namespace

void Destinations::set_limits(const std::vector<config::Destination>& limits) {
  others_ = Limit();
  limits_.clear();
  for (const config::Destination& each : limits) {
    const Limit limit{each.concurrency, interval_of(each.messages_per_second)};
    for (const std::string& domain : each.domains) {
      if (domain == "*")
        others_ = limit;
      else
        limits_[mail::domain_key(domain)] = limit;
    }
  }
  for (auto& [domain, state] : states_) state.limit = limit_of(domain);
}

bool Destinations::State::has_room() const {
  if (penalty > Duration(0)) return in_flight == 0;
  return !limit.concurrency || in_flight < *limit.concurrency;
}

/// Nothing to remember of it; also a penalty that nothing was sent to work off is.
bool Destinations::State::is_idle(Steady now) const {
  if (in_flight > 0 || !parked.empty() || now < next) return false;
  return penalty == Duration(0) || now - next > std::chrono::hours(1);
}

const Destinations::Limit& Destinations::limit_of(const std::string& domain) const {
  const auto found = limits_.find(domain);
  return found == limits_.end() ? others_ : found->second;
}

Destinations::State& Destinations::state_of(const std::string& domain) {
  const auto [place, is_new] = states_.try_emplace(domain);
  if (is_new) place->second.limit = limit_of(domain);
  return place->second;
}

bool Destinations::enter(const std::string& domain, Steady now) {
  if (!states_.contains(domain)) {
    const Limit& limit = limit_of(domain);
    if (!limit.concurrency && limit.interval == Duration(0)) return true;
  }
  State& state = state_of(domain);
  if (!state.has_room() || now < state.next) return false;
  ++state.in_flight;
  if (state.interval() > Duration(0)) state.next = now + state.interval();
  return true;
}

std::vector<Agenda::Turn> Destinations::leave(const std::string& domain, Steady now) {
  std::vector<Agenda::Turn> turns;
  const auto found = states_.find(domain);
  if (found == states_.end()) return turns;
  if (found->second.in_flight > 0) --found->second.in_flight;
  take_ready(found->second, now, turns);
  return turns;
}

void Destinations::park(const std::string& domain, const Agenda::Turn& turn) {
  state_of(domain).parked.push_back(turn);
  ++parked_;
}

/// With a pace one goes at a time; else as many as there is room for.
void Destinations::take_ready(State& state, Steady now, std::vector<Agenda::Turn>& turns) {
  if (!state.has_room() || now < state.next) return;
  std::size_t room = state.parked.size();
  if (state.interval() > Duration(0))
    room = std::min<std::size_t>(room, 1);
  else if (state.limit.concurrency)
    room = std::min<std::size_t>(room, *state.limit.concurrency - state.in_flight);
  for (; room > 0; --room) {
    turns.push_back(state.parked.front());
    state.parked.pop_front();
    --parked_;
  }
}

std::vector<Agenda::Turn> Destinations::ready(Steady now) {
  std::vector<Agenda::Turn> turns;
  for (auto place = states_.begin(); place != states_.end();) {
    if (place->second.is_idle(now)) {
      place = states_.erase(place);
      continue;
    }
    take_ready(place->second, now, turns);
    ++place;
  }
  return turns;
}

std::optional<Destinations::Steady> Destinations::next_ready() const {
  if (parked_ == 0) return std::nullopt;
  std::optional<Steady> first;
  for (const auto& [domain, state] : states_) {
    if (state.parked.empty() || !state.has_room()) continue;
    first = first ? std::min(*first, state.next) : state.next;
  }
  return first;
}

void Destinations::slow_down(const std::string& domain, Steady now, std::optional<Duration> named) {
  State& state = state_of(domain);
  const bool asked_again = state.penalty > Duration(0);
  state.penalty = asked_again ? std::min(state.penalty * 2, most_penalty) : Duration(least_penalty);
  const Duration pause =
      named ? std::clamp(*named, policy::shortest_named_delay, policy::longest_named_delay)
            : first_pause;
  state.next = std::max(state.next, now + std::max(pause, state.penalty));
}

void Destinations::delivered(const std::string& domain) {
  const auto found = states_.find(domain);
  if (found == states_.end()) return;
  Duration& penalty = found->second.penalty;
  penalty -= penalty / 4;
  if (penalty < no_penalty) penalty = Duration(0);
}

std::size_t Destinations::slowed() const {
  return static_cast<std::size_t>(
      std::count_if(states_.begin(), states_.end(),
                    [](const auto& each) { return each.second.penalty > Duration(0); }));
}

}  // namespace ecrelay::dispatch

#include "dispatch/agenda.h"

#include <algorithm>
#include <functional>

namespace ecrelay::dispatch {
namespace {

/// The step of weight 1; divided by weights up to 10,000 it stays exact enough to share fairly.
constexpr std::uint64_t whole_step = std::uint64_t{1} << 32;
constexpr std::uint64_t transactional_weight = 10;

}  // namespace

Agenda::Flow Agenda::flow(const std::string& shop, records::Lane lane, std::uint32_t weight) {
  const auto [place, is_new] = names_.try_emplace({shop, lane}, static_cast<Flow>(flows_.size()));
  if (is_new) flows_.emplace_back();
  const std::uint64_t urgency =
      lane == records::Lane::transactional ? transactional_weight : std::uint64_t{1};
  flows_[place->second].step = whole_step / (std::max<std::uint64_t>(weight, 1) * urgency);
  return place->second;
}

void Agenda::push(TimePoint due, const Turn& turn, TimePoint now) {
  if (due <= now) return make_due(turn);
  later_.push_back(Later{due, turn});
  std::push_heap(later_.begin(), later_.end(), std::greater<>());
}

void Agenda::make_due(const Turn& turn) {
  FlowState& flow = flows_[turn.flow];
  if (flow.due.empty()) {
    flow.time = std::max(flow.time, time_);
    turns_.emplace(flow.time, turn.flow);
  }
  flow.due.push_back(turn.message);
  ++due_count_;
}

void Agenda::mature(TimePoint now) {
  while (!later_.empty() && later_.front().due <= now) {
    make_due(later_.front().turn);
    std::pop_heap(later_.begin(), later_.end(), std::greater<>());
    later_.pop_back();
  }
}

bool Agenda::has_due(TimePoint now) {
  mature(now);
  return due_count_ > 0;
}

std::optional<Agenda::Turn> Agenda::pop_due(TimePoint now) {
  mature(now);
  if (turns_.empty()) return std::nullopt;
  const auto [time, number] = *turns_.begin();
  turns_.erase(turns_.begin());
  time_ = time;
  FlowState& flow = flows_[number];
  const Turn turn{flow.due.front(), number};
  flow.due.pop_front();
  --due_count_;
  flow.time = time + flow.step;
  if (!flow.due.empty()) turns_.emplace(flow.time, number);
  return turn;
}

std::optional<TimePoint> Agenda::next_due() const {
  if (later_.empty()) return std::nullopt;
  return later_.front().due;
}

void Agenda::bring_forward(Duration by) {
  for (Later& each : later_) each.due -= by;
}

}  // namespace ecrelay::dispatch

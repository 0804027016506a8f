#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/time.h"
#include "core/ulid.h"
#include "records/message.h"

namespace ecrelay::dispatch {

/// Which message is tried next: what is due, in fair turns. An index over the book, which alone
/// knows what a message still needs: a message may be in it more than once, and one that needs
/// nothing any more may be too, so whoever takes it out asks the book.
///
/// One shop's mail in one lane is a flow. Flows that have something due share the upstream by
/// weight (start-time fair queuing: each turn moves a flow's virtual time by one over its weight,
/// the flow that is furthest behind is next, and a flow that was idle brings no credit along).
/// Within a flow the order is that of the due times as they were reached. The transactional lane
/// weighs ten times the bulk lane, so a receipt waits for a few turns, not for a campaign, and the
/// campaign never stands still.
///
/// 32 bytes for a message that is not due yet, 16 for one that is; push and pop cost log n of what
/// is not due, and log of the flows that have something due. A value; time is an argument.
class Agenda {
 public:
  using Flow = std::uint32_t;
  struct Turn {
    Ulid message;
    Flow flow = 0;
  };

  /// The flow of a shop and lane, for the life of the agenda. The weight (1 or more) is that of
  /// the last call.
  Flow flow(const std::string& shop, records::Lane lane, std::uint32_t weight);

  void push(TimePoint due, const Turn& turn, TimePoint now);
  bool has_due(TimePoint now);
  /// The next message whose time has come, out of the agenda.
  std::optional<Turn> pop_due(TimePoint now);
  /// When the first message that was not due at the last look will be.
  std::optional<TimePoint> next_due() const;
  std::size_t size() const { return later_.size() + due_count_; }

  /// The wall clock was set back by so much: what waits for a time waits for the new one.
  void bring_forward(Duration by);

 private:
  struct Later {
    TimePoint due;
    Turn turn;
    bool operator>(const Later& other) const {
      return due != other.due ? due > other.due : turn.message > other.turn.message;
    }
  };
  struct FlowState {
    std::uint64_t step = 0;  ///< of virtual time, for each turn
    std::uint64_t time = 0;
    std::deque<Ulid> due;
  };
  void make_due(const Turn& turn);
  void mature(TimePoint now);

  std::vector<Later> later_;  ///< a heap, the earliest on top
  std::vector<FlowState> flows_;
  std::map<std::pair<std::string, records::Lane>, Flow> names_;
  std::set<std::pair<std::uint64_t, Flow>> turns_;  ///< flows that have something due
  std::uint64_t time_ = 0;                          ///< of the last turn
  std::size_t due_count_ = 0;
};

}  // namespace ecrelay::dispatch

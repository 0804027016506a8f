#pragma once

#include <optional>
#include <queue>
#include <vector>

#include "core/time.h"
#include "core/ulid.h"

namespace ecrelay::dispatch {

/// Which message is due when: an index of 24 bytes a message over the book, which alone knows
/// what a message still needs. A message may be in it more than once, and one that needs nothing
/// any more may be too: whoever takes it out asks the book. Push and pop cost log n.
class DueQueue {
 public:
  void push(TimePoint due, const Ulid& message) { heap_.push(Entry{due, message}); }

  bool has_due(TimePoint now) const { return !heap_.empty() && heap_.top().due <= now; }
  /// The message that has been due longest, out of the queue.
  std::optional<Ulid> pop_due(TimePoint now) {
    if (!has_due(now)) return std::nullopt;
    const Ulid message = heap_.top().message;
    heap_.pop();
    return message;
  }
  std::optional<TimePoint> next_due() const {
    if (heap_.empty()) return std::nullopt;
    return heap_.top().due;
  }
  std::size_t size() const { return heap_.size(); }

 private:
  struct Entry {
    TimePoint due;
    Ulid message;
    bool operator>(const Entry& other) const {
      return due != other.due ? due > other.due : message > other.message;
    }
  };
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> heap_;
};

}  // namespace ecrelay::dispatch

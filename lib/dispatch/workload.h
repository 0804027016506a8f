#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/settings.h"
#include "dispatch/agenda.h"
#include "dispatch/clock_watch.h"
#include "dispatch/conclusion.h"
#include "dispatch/destinations.h"
#include "dispatch/job.h"
#include "dispatch/ports.h"

namespace ecrelay::dispatch {

/// The messages of one upstream: those that wait, for their time, their turn and their recipients'
/// domains, and those that somebody works on ("in flight": never worked on twice at once). The book
/// is the truth; what is here can be thrown away and read from it again. Network thread.
class Workload {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  /// `stir` is called whenever something that waits may have become due, or will be due earlier.
  Workload(Ports& ports, BodyMemory& memory, const config::Upstream& settings, const Rules& rules,
           std::function<void()> stir);

  /// New limits for recipients' domains.
  void adopt(const std::vector<config::Destination>& limits);

  /// A message accepted a moment ago. Its content is kept for the first attempt while there is
  /// memory; else it is read back from the spool. DESIGN: delivery from memory straight after the
  /// commit.
  void announce(Job job, records::Lane lane);
  /// A message that the book has queued.
  void push(TimePoint due, const Ulid& message, const std::string& shop, records::Lane lane);

  bool has_due() { return agenda_.has_due(now()); }
  /// The next message with what is due of it and may go now, in flight until finish(). The content
  /// is there when it was kept. Nothing when nothing may go.
  std::optional<Job> take();
  /// Takes the memory for the content of a job that was taken without it; false when others have
  /// it (BodyMemory::freed). When nothing is in hand there always is some.
  bool claim_memory(Job& job);
  /// The job is over: its domains take others. What was put off waits again.
  void finish(const Job& job);

  /// One more works on the message that is in flight already; each needs a let_go().
  void hold(const Ulid& message) { ++in_flight_[message].holds; }
  void let_go(const Ulid& message);
  /// When nobody works on it any more, the message is due by then.
  void put_off(const Ulid& message, TimePoint due) { in_flight_[message].due_by(due); }

  /// Takes a message out while its rows are changed by hand; false, and nothing taken, when it is
  /// being delivered. Until give_back() nobody works on it.
  bool withhold(const Ulid& message);
  /// What the book has queued of it is delivered when it is due: what was kept says nothing of the
  /// change.
  void give_back(const Ulid& message);

  /// Domains that say "too much" get less, and more again as they take mail. Results as the job's
  /// recipients.
  void heed_rates(const Job& job, const std::vector<smtp::RecipientResult>& results);

  /// To be called at least every few seconds: heeds the clocks, and what may go to its domain now.
  void keep_time(Steady steady);
  /// When keep_time() has something to do.
  std::optional<Steady> next_wake(Steady steady) const;
  Duration excess_age(TimePoint since) const { return clocks_.excess_age(since); }

  std::size_t waiting() const { return agenda_.size() + destinations_.parked(); }
  std::size_t in_flight() const { return in_flight_.size(); }
  const Destinations& destinations() const { return destinations_; }

 private:
  /// A message that somebody works on: by how many, and when it is due again afterwards.
  struct Flight {
    int holds = 0;
    Agenda::Flow flow = 0;
    std::optional<TimePoint> next;

    void due_by(TimePoint due) { next = next ? std::min(*next, due) : due; }
  };
  Agenda::Flow flow_of(const std::string& shop, records::Lane lane);
  void push(TimePoint due, const Agenda::Turn& turn);
  void push_ready(const std::vector<Agenda::Turn>& turns);
  std::optional<Job> compile(const Agenda::Turn& turn);
  Job job_from_book(const Ulid& message, Flight& flight);
  bool enter_destinations(Job& job, Agenda::Flow flow);
  void drop_listed(Job& job);

  Ports& ports_;
  BodyMemory& memory_;
  const Rules& rules_;
  std::function<void()> stir_;
  Agenda agenda_;
  Destinations destinations_;
  ClockWatch clocks_;
  std::unordered_map<Ulid, Job> fresh_;
  std::size_t in_hand_ = 0;  ///< jobs taken, with memory, and not finished
  std::unordered_map<Ulid, Flight> in_flight_;
};

}  // namespace ecrelay::dispatch

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "records/charge.h"
#include "records/list_rules.h"
#include "records/message.h"
#include "store/acceptance.h"
#include "store/database.h"
#include "store/weighing.h"

namespace ecrelay::store {

/// What happened to one recipient of a message.
struct RecipientOutcome {
  std::uint32_t n = 0;
  records::State state = records::State::queued;  ///< queued: deferred until `due`
  TimePoint due;
  std::string reply;                        ///< shown in the queue; the attempt keeps its own
  std::optional<records::Attempt> attempt;  ///< absent when nothing was tried (expired, listed)
  bool warned = false;  ///< the sender is told by this outcome's report that it waits
};

/// The outcome of an attempt for one message: written whole, or not at all. Final states, charges,
/// daily totals, evidence and effects on the list become true together.
struct Outcome {
  Ulid message;
  TimePoint at;
  std::vector<RecipientOutcome> recipients;
  std::vector<records::Charge> charges;  ///< decided by policy; made only when not made before
  std::vector<records::Sign> signs;  ///< about recipients' addresses, weighed by the list's rules
  /// Where it is told what the signs came to; may be null.
  std::shared_ptr<std::vector<Weighed>> weighed;
  std::optional<Acceptance> report;  ///< our own mail about it, queued when this becomes true
};

/// Writes an outcome. Saying again what a final recipient's row says already changes nothing;
/// saying something else, or naming a recipient that does not exist, is Refused. So is a charge
/// for a message (or recipient) that was not sent. False when nothing changed. The report's body
/// is in the spool already, its location filled in.
bool record(Transaction& change, const Outcome& outcome, const records::ListRules& rules);

/// Which queued recipients an operator means. All criteria given must hold.
struct QueueFilter {
  std::optional<Ulid> message;
  std::optional<std::string> shop;
  std::optional<std::string> domain;  ///< as keys have it: A-label, lower case
};

/// Makes queued recipients that are due later due at `now`; how many. At most `limit`, so that the
/// writer is not held up: who gets `limit` asks again, in another change. Dispatch does the same
/// to its index in memory.
std::int64_t retry(Transaction& change, const QueueFilter& filter, TimePoint now,
                   std::int64_t limit = 10'000);

/// A queued recipient with all that dispatch keeps in memory about it.
struct QueueItem {
  Ulid message;
  std::uint32_t n = 0;
  TimePoint due;
  TimePoint accepted_at;
  TimePoint expires_at;
  std::uint32_t attempts = 0;
  std::string address;
  std::string key;
  std::string shop;
  std::string upstream;
  std::string sender;
  std::uint64_t size = 0;
  records::Lane lane = records::Lane::transactional;
  bool eight_bit = false;
  bool smtputf8 = false;
  records::Location location;
  records::Kind kind = records::Kind::mail;
  bool warned = false;  ///< the sender was told that it waits
  std::string message_id;
};

/// Pages through what earlier runs left queued, in order of due time. What this run accepts is
/// not among it: that comes through the `done` of accept(). Has a connection of its own; belongs
/// to one thread. May run while the writer works: what becomes due later than the place it has
/// reached is still found there, and may then be found a second time.
class QueueReader {
 public:
  /// `last`: Store::last_of_earlier_runs().
  QueueReader(const std::string& book, std::int64_t last);

  /// The next at most `limit`; empty at the end. About 6 us an item. Throws Failure.
  std::vector<QueueItem> next(std::size_t limit);

  /// What is queued of one message, of whichever run, in order of n; empty when nothing is.
  /// About 10 us and 5 us an item. Throws Failure.
  std::vector<QueueItem> of(const Ulid& message);

 private:
  Connection connection_;
  std::int64_t last_;
  TimePoint due_{Duration::min()};
  Ulid message_;
  std::int64_t n_ = -1;
};

}  // namespace ecrelay::store

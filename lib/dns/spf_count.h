#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns/reply.h"
#include "dns/spf.h"

namespace ecrelay::dns {

inline constexpr unsigned most_lookups = 10;      // RFC 7208 4.6.4
inline constexpr unsigned most_void_lookups = 2;  // same place

/// How many questions a receiver must ask to evaluate a record, with everything it includes; more
/// than ten is a permanent error. Asks nothing itself:
///
///     SpfCount count(record);
///     while (auto name = count.next()) count.give(reply to a TXT question for *name);
///
/// It ends by itself, also for records that include each other: 20 look-ups are not exceeded.
class SpfCount {
 public:
  explicit SpfCount(std::string_view record);

  /// The name whose TXT records are to be given next.
  std::optional<std::string> next() const;
  void give(const Reply& reply);

  unsigned lookups() const { return lookups_; }
  /// What makes the record an error for receivers.
  const std::vector<std::string>& faults() const { return faults_; }
  /// Some included record could not be had: the count is a lower bound.
  bool complete() const { return complete_; }

 private:
  void count(const std::vector<SpfTerm>& terms);
  void fault(const std::string& name, const std::string& what);

  unsigned lookups_ = 0;
  unsigned voids_ = 0;
  bool complete_ = true;
  std::deque<std::string> waiting_;
  std::vector<std::string> faults_;
};

}  // namespace ecrelay::dns

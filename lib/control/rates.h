#pragma once

#include <boost/json/object.hpp>

#include <deque>

#include "control/status.h"
#include "net/awaitable.h"

namespace ecrelay::control {

/// How fast things go lately, from samples of the totals.
class Rates {
 public:
  static constexpr std::chrono::seconds interval{10};  ///< between samples
  static constexpr std::size_t samples = 6;            ///< the last minute

  void sample(const Totals& totals, net::Deadline at);
  /// Events a second since the oldest sample, in thousandths exact; zero before the first one.
  boost::json::object over_last_minute(const Totals& totals, net::Deadline at) const;

 private:
  struct Sample {
    Totals totals;
    net::Deadline at;
  };
  std::deque<Sample> samples_;
};

}  // namespace ecrelay::control

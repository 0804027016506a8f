#include "control/rates.h"

#include <chrono>
#include <cmath>

namespace ecrelay::control {

void Rates::sample(const Totals& totals, net::Deadline at) {
  samples_.push_back(Sample{totals, at});
  if (samples_.size() > samples) samples_.pop_front();
}

boost::json::object Rates::over_last_minute(const Totals& totals, net::Deadline at) const {
  const Sample now{totals, at};
  const Sample& then = samples_.empty() ? now : samples_.front();
  const double seconds = std::chrono::duration<double>(at - then.at).count();
  const auto rate = [&](std::uint64_t Totals::*count) {
    if (seconds <= 0) return 0.0;
    const double per_second = static_cast<double>(totals.*count - then.totals.*count) / seconds;
    return std::round(per_second * 1000) / 1000;
  };
  boost::json::object object;
  object["messages_accepted"] = rate(&Totals::messages_accepted);
  object["recipients_sent"] = rate(&Totals::recipients_sent);
  object["recipients_deferred"] = rate(&Totals::recipients_deferred);
  object["recipients_bounced"] = rate(&Totals::recipients_bounced);
  return object;
}

}  // namespace ecrelay::control

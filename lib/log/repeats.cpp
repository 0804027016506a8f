#include "log/repeats.h"

namespace ecrelay::log {

bool Repeats::admit(Event event, const std::string& client, Time at) {
  if (a_minute_ == 0) return true;
  auto found = windows_.find({event, client});
  if (found == windows_.end()) {
    const bool remembered = windows_.size() < most_clients;
    found = windows_.try_emplace({event, remembered ? client : ""}, Window{at, 0}).first;
  }
  return ++found->second.lines <= a_minute_;
}

std::vector<Repeats::LeftOut> Repeats::over(Time at) {
  std::vector<LeftOut> left_out;
  std::erase_if(windows_, [&](const auto& each) {
    const auto& [key, window] = each;
    if (at - window.began < Repeats::window) return false;
    if (window.lines > a_minute_)
      left_out.push_back({key.first, key.second, window.lines - a_minute_});
    return true;
  });
  return left_out;
}

}  // namespace ecrelay::log

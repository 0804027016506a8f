#include "policy/limits.h"

#include <algorithm>
#include <limits>

namespace ecrelay::policy {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::sys_days;
using std::chrono::year_month;
using std::chrono::year_month_day;

constexpr std::int64_t token = 1000;

std::uint32_t burst_of(std::uint32_t per_second) {
  return per_second == 0 ? 0 : std::max<std::uint32_t>(per_second, 10);
}

TimePoint day_after(year_month_day day) { return start_of(sys_days(day) + days(1)); }

TimePoint month_after(year_month_day day) {
  const year_month next = year_month(day.year(), day.month()) + std::chrono::months(1);
  return start_of(next / std::chrono::day(1));
}

}  // namespace

TokenBucket::TokenBucket(std::uint32_t per_second, std::uint32_t burst, TimePoint now)
    : per_second_(per_second), capacity_(burst * token), level_(capacity_), filled_at_(now) {}

Allowance TokenBucket::take(TimePoint now) {
  refill(now);
  if (level_ >= token) {
    level_ -= token;
    return {};
  }
  if (per_second_ == 0 || capacity_ == 0) return {Allowance::Limit::rate, now + hours(1)};
  const std::int64_t missing = token - level_;
  return {Allowance::Limit::rate, now + Duration((missing + per_second_ - 1) / per_second_)};
}

void TokenBucket::set_rate(std::uint32_t per_second, std::uint32_t burst, TimePoint now) {
  refill(now);
  per_second_ = per_second;
  capacity_ = burst * token;
  level_ = std::min(level_, capacity_);
}

void TokenBucket::refill(TimePoint now) {
  const std::int64_t elapsed = (now - filled_at_).count();
  filled_at_ = now;
  if (elapsed <= 0 || per_second_ == 0) return;
  // Compared before multiplying: a clock that jumps by years must not overflow.
  const bool fills = elapsed > capacity_ / per_second_;
  level_ = fills ? capacity_ : std::min(capacity_, level_ + elapsed * per_second_);
}

bool BurstGauge::is_burst(std::uint32_t threshold, TimePoint now) {
  constexpr std::chrono::seconds half{30};
  const Duration passed = now - half_began_;
  if (passed >= half || passed < Duration(0)) {
    last_half_ = passed >= Duration(0) && passed < 2 * half ? this_half_ : 0;
    this_half_ = 0;
    half_began_ = now;
  }
  if (this_half_ < std::numeric_limits<std::uint32_t>::max() / 2) ++this_half_;
  return threshold > 0 && last_half_ + this_half_ > threshold;
}

ShopMeter::ShopMeter(const ShopLimits& limits, const ShopUsage& so_far, TimePoint now)
    : usage_(so_far), day_(billing_day(now)) {
  set_limits(limits, now);
  warnings(now);  // an earlier run has told of them
}

Allowance ShopMeter::admit(TimePoint now) {
  turn(now);
  if (limits_.yen_per_month && usage_.yen_this_month >= *limits_.yen_per_month) {
    return {Allowance::Limit::month, month_after(day_)};
  }
  if (limits_.messages_per_day && usage_.messages_today >= *limits_.messages_per_day) {
    return {Allowance::Limit::day, day_after(day_)};
  }
  return bucket_ ? bucket_->take(now) : Allowance{};
}

Allowance ShopMeter::reserve(TimePoint now) {
  turn(now);
  if (limits_.messages_per_day && usage_.messages_today >= *limits_.messages_per_day) {
    return {Allowance::Limit::day, day_after(day_)};
  }
  ++usage_.messages_today;
  return {};
}

void ShopMeter::release(TimePoint now) {
  turn(now);
  if (usage_.messages_today > 0) --usage_.messages_today;
}

std::int64_t percent_of(std::int64_t used, std::int64_t limit) {
  if (limit <= 0) return 100;
  // Divided first where multiplying would overflow.
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 100;
  return used > most ? used / (limit / 100 + 1) : used * 100 / limit;
}

std::int64_t ShopMeter::percent(Allowance::Limit limit) const {
  if (limit == Allowance::Limit::day)
    return limits_.messages_per_day
               ? percent_of(static_cast<std::int64_t>(usage_.messages_today),
                            static_cast<std::int64_t>(*limits_.messages_per_day))
               : 0;
  return limits_.yen_per_month ? percent_of(usage_.yen_this_month.in_milli_yen(),
                                            limits_.yen_per_month->in_milli_yen())
                               : 0;
}

std::vector<LimitUse> ShopMeter::warnings(TimePoint now) {
  turn(now);
  std::vector<LimitUse> uses;
  const auto look = [&](Allowance::Limit limit, std::int64_t& told, TimePoint until) {
    const std::int64_t used = percent(limit);
    const std::int64_t step = used >= 100 ? 100 : used >= 80 ? 80 : 0;
    if (step <= told) return;
    told = step;
    uses.push_back(LimitUse{limit, static_cast<std::uint64_t>(step), until});
  };
  look(Allowance::Limit::day, day_told_, day_after(day_));
  look(Allowance::Limit::month, month_told_, month_after(day_));
  return uses;
}

void ShopMeter::charged(Money amount, TimePoint now) {
  turn(now);
  usage_.yen_this_month = usage_.yen_this_month + amount;
}

void ShopMeter::set_limits(const ShopLimits& limits, TimePoint now) {
  limits_ = limits;
  if (!limits.messages_per_second) {
    bucket_.reset();
    return;
  }
  const std::uint32_t rate = *limits.messages_per_second;
  if (bucket_) {
    bucket_->set_rate(rate, burst_of(rate), now);
  } else {
    bucket_.emplace(rate, burst_of(rate), now);
  }
}

void ShopMeter::turn(TimePoint now) {
  const year_month_day today = billing_day(now);
  const days step = sys_days(today) - sys_days(day_);
  if (step == days(0) || step == days(-1)) return;
  usage_.messages_today = 0;
  day_told_ = 0;
  const bool same_month = today.year() == day_.year() && today.month() == day_.month();
  if (!same_month) {
    usage_.yen_this_month = Money();
    month_told_ = 0;
  }
  day_ = today;
}

ConnectionCaps::Entry ConnectionCaps::enter(const Host& host) {
  if (open_ >= total_) return Entry::too_many;
  if (host.max_connections && open_of(host.name) >= *host.max_connections) {
    return Entry::too_many_of_host;
  }
  ++open_;
  ++by_host_[host.name];
  return Entry::open;
}

void ConnectionCaps::leave(std::string_view host_name) {
  const auto found = by_host_.find(std::string(host_name));
  if (found == by_host_.end()) return;
  --open_;
  if (--found->second == 0) by_host_.erase(found);
}

std::size_t ConnectionCaps::open_of(std::string_view host_name) const {
  const auto found = by_host_.find(std::string(host_name));
  return found == by_host_.end() ? 0 : found->second;
}

}  // namespace ecrelay::policy

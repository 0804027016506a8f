#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/money.h"
#include "core/time.h"
#include "policy/shop.h"

namespace ecrelay::policy {

/// Allowed, or not before a time.
struct Allowance {
  enum class Limit { none, rate, day, month };

  Limit limit = Limit::none;
  TimePoint until{};  ///< when asking again makes sense; only when not allowed

  bool allowed() const { return limit == Limit::none; }
};

/// A rate with a burst: `burst` at once, then `per_second` for ever. Exact: it counts in
/// thousandths of a token, and a millisecond is worth `per_second` of them.
/// A clock set back gives nothing and costs nothing; one set forward fills to the burst only.
class TokenBucket {
 public:
  /// Starts full. With a rate of zero nothing comes back; `until` is then an hour away, since
  /// only a reload can change it.
  TokenBucket(std::uint32_t per_second, std::uint32_t burst, TimePoint now);

  /// Takes one token when there is one.
  Allowance take(TimePoint now);
  /// A reload changes the rate; what is left stays, up to the new burst.
  void set_rate(std::uint32_t per_second, std::uint32_t burst, TimePoint now);

 private:
  void refill(TimePoint now);

  std::uint32_t per_second_;
  std::int64_t capacity_;  ///< thousandths
  std::int64_t level_;     ///< thousandths
  TimePoint filled_at_;
};

/// What a shop has used of its day and month, in JST. A new day or month starts from nothing. A
/// clock set back by up to a day does not bring the old day's room back; further back, the time
/// before was the wrong one, and counting starts anew.
struct ShopUsage {
  std::uint64_t messages_today = 0;
  Money yen_this_month;
};

/// Tells a campaign from a shop's everyday mail by its speed: the messages of the last minute, in
/// two halves of 30 seconds, so that it costs two numbers. A value; time is an argument.
class BurstGauge {
 public:
  /// Counts a message; true when it is beyond `threshold` within about a minute. 0: never.
  bool is_burst(std::uint32_t threshold, TimePoint now);

 private:
  TimePoint half_began_{};
  std::uint32_t this_half_ = 0;
  std::uint32_t last_half_ = 0;
};

/// What a shop has just used so much of: 80 % of its day or month, or all of it.
struct LimitUse {
  Allowance::Limit limit = Allowance::Limit::none;
  std::uint64_t percent = 0;  ///< 80 or 100
  TimePoint until;            ///< when the next day or month begins
};

/// Whole percents of a limit, rounded down; 100 of a limit of nothing.
std::int64_t percent_of(std::int64_t used, std::int64_t limit);

/// The limits of one shop over time. One thread; after a start it is given what the book knows.
class ShopMeter {
 public:
  ShopMeter(const ShopLimits& limits, const ShopUsage& so_far, TimePoint now);

  /// At MAIL: takes a token of the rate when everything allows it. The burst is one second's
  /// worth, and at least 10 (an application server sends an order's mails together).
  Allowance admit(TimePoint now);
  /// Counts a message for the day before it is stored, when there is still room: sessions that
  /// were admitted together cannot pass the limit together.
  Allowance reserve(TimePoint now);
  /// A reserved message was not stored after all.
  void release(TimePoint now);
  /// A charge was booked. What is queued is not counted before it is sent, so a month may end
  /// above its limit by what was in the queue.
  void charged(Money amount, TimePoint now);
  /// What has come to 80 % or 100 % of a limit since the last call: each once a day or month, also
  /// across a restart (what was used up before it is not told again).
  std::vector<LimitUse> warnings(TimePoint now);

  /// BurstGauge::is_burst for the shop's messages.
  bool is_burst(std::uint32_t threshold, TimePoint now) { return gauge_.is_burst(threshold, now); }

  void set_limits(const ShopLimits& limits, TimePoint now);
  const ShopLimits& limits() const { return limits_; }
  const ShopUsage& usage() const { return usage_; }

 private:
  void turn(TimePoint now);
  std::int64_t percent(Allowance::Limit limit) const;

  ShopLimits limits_;
  ShopUsage usage_;
  std::int64_t day_told_ = 0;          ///< percent that was warned of
  std::int64_t month_told_ = 0;        ///< percent that was warned of
  std::optional<TokenBucket> bucket_;  ///< none without a rate
  BurstGauge gauge_;
  std::chrono::year_month_day day_;
};

/// Open connections, in all and by host.
class ConnectionCaps {
 public:
  explicit ConnectionCaps(std::size_t total) : total_(total) {}

  enum class Entry { open, too_many, too_many_of_host };
  /// Counts the connection only when the answer is `open`; each of those needs one leave().
  Entry enter(const Host& host);
  void leave(std::string_view host_name);

  void set_total(std::size_t total) { total_ = total; }
  std::size_t open() const { return open_; }
  std::size_t open_of(std::string_view host_name) const;

 private:
  std::size_t total_;
  std::size_t open_ = 0;
  std::unordered_map<std::string, std::size_t> by_host_;
};

}  // namespace ecrelay::policy

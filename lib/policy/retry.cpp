#include "policy/retry.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace ecrelay::policy {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration default_delay = minutes(15);
constexpr std::uint32_t attempts_before_expiry = 3;

/// `part` of `whole`, random / 2^32.
Duration share(Duration whole, std::uint32_t random) {
  // A delay under 24 days in milliseconds times 32 bits fits 63 bits; longer ones are not shared.
  const std::int64_t bounded = std::min<std::int64_t>(whole.count(), 0x7FFFFFFF);
  return Duration(bounded * static_cast<std::int64_t>(random) >> 32);
}

Duration scheduled_delay(const RetryPlan& plan, std::uint32_t attempts) {
  if (plan.schedule.empty()) return default_delay;
  const std::size_t step = std::max<std::size_t>(attempts, 1) - 1;
  return plan.schedule[std::min(step, plan.schedule.size() - 1)];
}

Duration spread_delay(const RetryPlan& plan, const Attempted& attempted, std::uint32_t random) {
  if (attempted.named) {
    const Duration named = std::clamp(*attempted.named, shortest_named_delay, longest_named_delay);
    return named + share(named / 10, random);
  }
  const Duration delay = scheduled_delay(plan, attempted.attempts);
  return delay - delay / 10 + share(delay / 5, random);
}

/// How many attempts a recipient has had before it may expire, whatever the clock says.
std::uint32_t attempts_due_by_expiry(const RetryPlan& plan) {
  std::uint32_t attempts = 1;
  Duration age{};
  while (attempts < attempts_before_expiry) {
    age += scheduled_delay(plan, attempts);
    if (age > plan.expire) break;
    ++attempts;
  }
  return attempts;
}

Duration longest_delay(const RetryPlan& plan) {
  Duration longest = std::max(default_delay, longest_named_delay);
  for (const Duration delay : plan.schedule) longest = std::max(longest, delay);
  return longest + longest / 10;
}

/// A cursor over the lowered text after a cue.
class Words {
 public:
  explicit Words(std::string_view rest) : rest_(rest) {}

  void skip(std::string_view characters) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(characters), rest_.size()));
  }
  bool skip_word(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  std::optional<std::int64_t> number() {
    std::size_t digits = 0;
    while (digits < rest_.size() && text::is_digit(rest_[digits])) ++digits;
    const auto value = digits <= 6 ? text::number(rest_.substr(0, digits)) : std::nullopt;
    if (!value) return {};
    rest_.remove_prefix(digits);
    return static_cast<std::int64_t>(*value);
  }
  std::string_view letters() {
    std::size_t length = 0;
    while (length < rest_.size() && text::is_alpha(rest_[length])) ++length;
    const auto word = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return word;
  }

 private:
  std::string_view rest_;
};

std::optional<seconds> unit(std::string_view word) {
  struct Named {
    std::string_view word;
    seconds length;
  };
  static constexpr auto units = std::to_array<Named>({
      {"s", seconds(1)},
      {"sec", seconds(1)},
      {"secs", seconds(1)},
      {"second", seconds(1)},
      {"seconds", seconds(1)},
      {"m", minutes(1)},
      {"min", minutes(1)},
      {"mins", minutes(1)},
      {"minute", minutes(1)},
      {"minutes", minutes(1)},
      {"h", hours(1)},
      {"hr", hours(1)},
      {"hrs", hours(1)},
      {"hour", hours(1)},
      {"hours", hours(1)},
  });
  for (const auto& named : units) {
    if (named.word == word) return named.length;
  }
  return {};
}

/// "300 seconds", "5min", "00:04:59", "04:59".
std::optional<Duration> delay_at(Words words) {
  words.skip(" :");
  for (const auto* filler : {"about ", "at least ", "another ", "approximately "}) {
    words.skip_word(filler);
  }
  const auto first = words.number();
  if (!first) return {};
  if (words.skip_word(":")) {
    const auto second = words.number();
    if (!second) return {};
    if (!words.skip_word(":")) return minutes(*first) + seconds(*second);
    const auto third = words.number();
    if (!third) return {};
    return hours(*first) + minutes(*second) + seconds(*third);
  }
  words.skip(" ");
  const auto length = unit(words.letters());
  if (!length) return {};
  return *length * *first;
}

}  // namespace

Next next_attempt(const RetryPlan& plan, const Attempted& attempted, std::uint32_t random) {
  const Duration age = std::max(attempted.now - attempted.accepted_at, Duration(0));
  const bool too_old = age >= plan.expire;
  if (too_old && attempted.attempts >= attempts_due_by_expiry(plan)) return {true, {}};
  const Duration delay = spread_delay(plan, attempted, random);
  if (too_old) return {false, attempted.now + delay};
  return {false, attempted.now + std::min(delay, plan.expire - age)};
}

bool is_due(const RetryPlan& plan, TimePoint due, TimePoint now) {
  return due <= now || due - now > longest_delay(plan);
}

std::optional<Duration> delay_named_in(std::string_view reply_text) {
  static constexpr auto cues = std::to_array<std::string_view>(
      {"again in", "again after", "retry in", "retry after", "retry-after", "back in", "wait",
       "greylisted for", "delayed for"});
  const std::string text = text::lowered(reply_text.substr(0, 4096));
  for (const auto cue : cues) {
    for (auto at = text.find(cue); at != std::string::npos; at = text.find(cue, at + 1)) {
      if (const auto delay = delay_at(Words(std::string_view(text).substr(at + cue.size())))) {
        return delay;
      }
    }
  }
  return {};
}

}  // namespace ecrelay::policy

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/time.h"
#include "records/suppression.h"

namespace ecrelay::records {

/// How much a piece of evidence weighs. Points of one kind add up until they earn an entry.
enum class Weight {
  mailbox_point,   ///< closed, filtering
  delivery_point,  ///< full, unreachable, expired
  entry,           ///< enough by itself
};

/// Evidence about an address, as policy has weighed it. `entry` is what it is listed as when it is
/// enough: its reason is then the evidence's own, or "soft-count" where points made it. When the
/// entry ends is decided by the list's rules, but for complaints, which do not end.
struct Sign {
  Weight weight = Weight::entry;
  SuppressionEntry entry;
  /// When the mail was sent that a report is about; absent for a reply, which comes with the final.
  std::optional<TimePoint> sent{};
};

/// At least so many points, on so many JST days, the first and the last so far apart.
struct PointThreshold {
  std::int64_t points = 0;
  std::int64_t days = 0;
  Duration span{};
};

/// The numbers by which the list is kept; the defaults are those of the configuration.
struct ListRules {
  static constexpr Duration day = std::chrono::hours(24);

  bool dry_run = false;  ///< entries are made and shown, and hold nobody back

  PointThreshold mailbox{3, 3, 7 * day};
  PointThreshold delivery{5, 5, 14 * day};
  Duration points_window = 30 * day;
  /// A delivery that nothing came back for so long after takes away the points before it, and is
  /// how a trial succeeds.
  Duration quiet_after_delivery = 3 * day;

  /// The first time, the second …; the last one repeats.
  std::vector<Duration> hard = {180 * day, 360 * day, 720 * day};
  std::vector<Duration> points = {30 * day, 90 * day, 180 * day};
  std::vector<Duration> domain = {30 * day};

  /// A domain is dead when our own look-ups find it so twice, so far apart.
  Duration domain_confirmation = day;

  /// Listed for every shop once so many have met the address dead within the window.
  std::int64_t spread_shops = 2;
  Duration spread_window = 30 * day;

  /// A wave (counted in steps of five minutes): more than `percent` of at least `finals` recipients
  /// of a domain in the window found unknown, and more than `times_usual` what the 30 days before
  /// had. The window is the time before somebody is said to be unknown, or, for a report of up to
  /// two days later, the time around the sending.
  std::int64_t wave_percent = 20;
  std::int64_t wave_finals = 50;
  Duration wave_window = std::chrono::hours(1);
  std::int64_t wave_times_usual = 5;
};

}  // namespace ecrelay::records

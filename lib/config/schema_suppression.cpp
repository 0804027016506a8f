#include "config/rules.h"
#include "config/schema.h"
#include "config/schema_rules.h"
#include "config/section.h"

namespace ecrelay::config {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

/// A row without conditions would decide everything, and one that suppresses must have heard
/// something about the address.
std::string decisive_rows(std::vector<SuppressionRule>& rows) {
  constexpr std::size_t most = 200;
  if (rows.size() > most) return "more than 200 rows";
  for (const SuppressionRule& row : rows) {
    const bool hears = row.code || row.enhanced || row.text;
    const std::string name = "row '" + row.reason + "' ";
    if (!hears && row.decision == RuleDecision::suppress)
      return name + "suppresses: it needs text, enhanced or code";
    if (!hears && !row.server && !row.domain && row.stage == RefusalStage::any)
      return name + "has no condition, and would decide everything";
  }
  return {};
}

}  // namespace

template <>
const std::vector<Field<PointThreshold>>& table<PointThreshold>() {
  using T = PointThreshold;
  static const std::vector<Field<T>> rows = {
      key("points", &T::points, "at least so many points (one a day counts)", count(1, 1000)),
      key("days", &T::days, "on at least so many JST days", count(1, 1000)),
      key("span", &T::span, "the first and last at least so far apart",
          time(Duration(0), 365 * day)),
  };
  return rows;
}

template <>
const std::vector<Field<EntryLifetimes>>& table<EntryLifetimes>() {
  using T = EntryLifetimes;
  static const std::vector<Field<T>> rows = {
      key("hard", &T::hard, "the address does not exist", times),
      key("points", &T::points, "points reached a threshold", times),
      key("domain", &T::domain, "its domain does not exist or takes no mail", times),
  };
  return rows;
}

template <>
const std::vector<Field<WaveBreaker>>& table<WaveBreaker>() {
  using T = WaveBreaker;
  static const std::vector<Field<T>> rows = {
      key("percent", &T::percent, "share of \"user unknown\" above which candidates are parked",
          count(1, 100)),
      key("finals", &T::finals, "of at least so many final results", count()),
      key("window", &T::window,
          "within this time, counted in steps of five minutes: before now, or, for a report within "
          "two days, around the sending of its mail",
          time(minutes(5), 7 * day)),
      key("times_usual", &T::times_usual, "and so many times the share of the last 30 days",
          count(1, 1000)),
  };
  return rows;
}

template <>
const std::vector<Field<SuppressionRule>>& table<SuppressionRule>() {
  using T = SuppressionRule;
  static const std::vector<Field<T>> rows = {
      required("reason", &T::reason, "named with every decision of this row", identifier),
      required("decision", &T::decision,
               "suppress now, count one soft point, ignore (about us or the mail), or none"),
      key("stage", &T::stage,
          "the command that was refused; a row that suppresses sees rcpt only unless it says so"),
      key("code", &T::code, "SMTP reply code", count(400, 599)),
      key("enhanced", &T::enhanced, "enhanced status code, also with its detail open: 5.7.*",
          status_pattern),
      key("text", &T::text,
          "words of the reply: any case, accents or not, whole words, * for any one word",
          reply_words),
      key("server", &T::server, "host name of the server that refused, or a domain it is in",
          domain_name),
      key("domain", &T::domain, "the recipient's domain, or one it is in", domain_name),
  };
  return rows;
}

template <>
const std::vector<Field<Suppression>>& table<Suppression>() {
  using T = Suppression;
  static const std::vector<Field<T>> rows = {
      key("dry_run", &T::dry_run, "decide and log, but suppress nobody"),
      key("rules", &T::rules,
          "rows before the built-in decision table, for final replies and for reports; the first "
          "whose conditions all hold decides",
          decisive_rows),
      key("points_window", &T::points_window, "older points do not count", time(day, 365 * day)),
      key("mailbox", &T::mailbox, "threshold for disabled and filtering mailboxes"),
      key("delivery", &T::delivery, "threshold for full mailboxes, expiry and hosts that fail"),
      key("quiet_after_delivery", &T::quiet_after_delivery,
          "a delivery with no bounce for so long takes the points away", time(hours(1), 90 * day)),
      key("lifetimes", &T::lifetimes,
          "how long entries last: the first time, the second …; the last one repeats. Complaints "
          "do not end"),
      key("spread_shops", &T::spread_shops,
          "an address dead for so many shops is suppressed for all", count(1, 1000)),
      key("spread_window", &T::spread_window, "within this time", time(day, 365 * day)),
      key("domain_confirmation", &T::domain_confirmation,
          "a domain must be missing from DNS twice, so far apart", time(hours(1), 30 * day)),
      key("breaker", &T::breaker,
          "a wave of \"user unknown\" from one destination is more likely its fault"),
  };
  return rows;
}

}  // namespace ecrelay::config

#include "store/weighing.h"

#include <algorithm>

#include "store/suppression.h"
#include "store/trial.h"

namespace ecrelay::store {
namespace {

using records::ListRules;
using records::SuppressionEntry;
using records::Weight;

std::string_view kind_of(Weight weight) {
  return weight == Weight::mailbox_point ? "mailbox" : "delivery";
}

/// When the address last had mail that nothing came back for, though it had time to.
TimePoint last_quiet_delivery(Connection& book, const SuppressionEntry& entry,
                              const ListRules& rules) {
  Rows rows = book.query(
      "SELECT ifnull(max(r.finished_ms), 0) FROM recipient r JOIN message m ON m.id = r.message"
      " WHERE r.key = ?1 AND r.state = 'sent' AND m.shop = ?2 AND r.finished_ms <= ?3"
      " AND NOT EXISTS (SELECT 1 FROM report p WHERE p.message = r.message AND p.recipient = r.n"
      " AND p.decision IN ('count', 'suppress'))",
      entry.key, entry.shop, entry.since - rules.quiet_after_delivery);
  rows.next();
  return rows.time();
}

/// Keeps the point; true when there are enough of its kind.
bool add_point(Connection& book, const records::Sign& sign, const ListRules& rules) {
  const SuppressionEntry& entry = sign.entry;
  const std::string_view kind = kind_of(sign.weight);
  book.execute(
      "INSERT INTO point (key, shop, kind, day, at_ms, reason, message) VALUES (?,?,?,?,?,?,?)"
      " ON CONFLICT DO NOTHING",
      entry.key, entry.shop, kind, to_text(billing_day(entry.since)), entry.since, entry.reason,
      entry.message);
  const TimePoint from = std::max(entry.since - rules.points_window,
                                  last_quiet_delivery(book, entry, rules) + Duration(1));
  Rows rows = book.query(
      "SELECT count(*), count(DISTINCT day), ifnull(max(at_ms) - min(at_ms), 0) FROM point"
      " WHERE key = ? AND shop = ? AND kind = ? AND at_ms >= ? AND at_ms <= ?",
      entry.key, entry.shop, kind, from, entry.since);
  rows.next();
  const records::PointThreshold& needed =
      sign.weight == Weight::mailbox_point ? rules.mailbox : rules.delivery;
  const std::int64_t points = rows.integer();
  const std::int64_t days = rows.integer();
  return points >= needed.points && days >= needed.days && Duration(rows.integer()) >= needed.span;
}

/// How often the address was listed for this reason before.
std::size_t earlier_entries(Connection& book, const SuppressionEntry& entry) {
  Rows rows = book.query(
      "SELECT count(*) FROM suppression WHERE key = ? AND shop = ? AND reason = ? AND dry = ?"
      " AND (closed_ms IS NOT NULL OR expires_ms <= ? OR lifted_ms > ?)",
      entry.key, entry.shop, entry.reason, entry.dry_run, entry.since, entry.since);
  rows.next();
  return rows.number<std::size_t>();
}

void give_lifetime(Connection& book, SuppressionEntry& entry, const ListRules& rules) {
  const std::vector<Duration>* lifetimes = entry.reason == "hard"         ? &rules.hard
                                           : entry.reason == "domain"     ? &rules.domain
                                           : entry.reason == "soft-count" ? &rules.points
                                                                          : nullptr;
  if (lifetimes == nullptr || lifetimes->empty()) return;
  const std::size_t time = std::min(earlier_entries(book, entry), lifetimes->size() - 1);
  entry.expires_at = entry.since + (*lifetimes)[time];
}

/// `entry` as it stands in the list from now on.
SuppressionEntry list(Transaction& change, SuppressionEntry entry, const ListRules& rules) {
  give_lifetime(change.book(), entry, rules);
  entry.id = suppress(change, entry);
  return entry;
}

bool is_dead(std::string_view reason) { return reason == "hard" || reason == "domain"; }

/// Shops whose own evidence says so, the one at hand included.
std::int64_t shops_that_met_it_dead(Connection& book, const SuppressionEntry& entry,
                                    const ListRules& rules) {
  Rows rows = book.query(
      "SELECT count(DISTINCT shop) FROM suppression_log WHERE key = ?1 AND shop <> ''"
      " AND reason IN ('hard', 'domain') AND event IN ('added', 'confirmed') AND at_ms >= ?2"
      // What somebody has cleared was no proof.
      " AND id > ifnull((SELECT max(id) FROM suppression_log WHERE key = ?1 AND event = "
      "'cleared'), 0)",
      entry.key, entry.since - rules.spread_window);
  rows.next();
  return rows.integer();
}

/// The entries that the sign's message tried. A complaint is a sign of life.
std::vector<SuppressionEntry> failed_trials(Connection& book, const SuppressionEntry& entry) {
  if (!entry.message || entry.reason == "complaint" || entry.dry_run) return {};
  return tried_by(book, *entry.message, entry.key, entry.shop);
}

/// Each entry begins anew, for longer.
void renew(Transaction& change, const records::Sign& sign,
           const std::vector<SuppressionEntry>& tried, const ListRules& rules, Weighed& weighed) {
  for (const SuppressionEntry& old : tried) {
    SuppressionEntry entry = sign.entry;
    entry.shop = old.shop;
    if (sign.weight != Weight::entry) entry.reason = old.reason;
    weighed.listed.push_back(list(change, std::move(entry), rules));
  }
}

bool among(const std::vector<SuppressionEntry>& entries, std::string_view shop) {
  return std::any_of(entries.begin(), entries.end(),
                     [&](const SuppressionEntry& each) { return each.shop == shop; });
}

/// True when the entry was parked instead.
bool park_in_wave(Transaction& change, SuppressionEntry entry, std::optional<TimePoint> sent,
                  const ListRules& rules, Weighed& weighed) {
  if (entry.reason != "hard") return false;
  const std::string domain(domain_of(entry.key));
  weighed.wave = count_unknown(change, domain, entry.since, sent, rules);
  if (!weighed.wave.under_way) return false;
  give_lifetime(change.book(), entry, rules);
  park(change, entry, domain);
  weighed.parked = true;
  return true;
}

}  // namespace

Weighed weigh(Transaction& change, const records::Sign& sign, const ListRules& rules) {
  Connection& book = change.book();
  Weighed weighed;
  records::Sign own = sign;
  own.entry.dry_run = rules.dry_run;
  SuppressionEntry entry = own.entry;
  const bool enough = own.weight == Weight::entry || add_point(book, own, rules);
  const auto tried = failed_trials(book, entry);
  if (!enough && tried.empty()) return weighed;
  if (own.weight != Weight::entry) entry.reason = "soft-count";
  if (park_in_wave(change, entry, own.sent, rules, weighed)) return weighed;
  renew(change, own, tried, rules, weighed);
  if (enough && !among(tried, entry.shop)) weighed.listed.push_back(list(change, entry, rules));
  if (is_dead(entry.reason) && !among(tried, "") &&
      shops_that_met_it_dead(book, entry, rules) >= rules.spread_shops) {
    entry.shop.clear();
    weighed.listed.push_back(list(change, std::move(entry), rules));
  }
  return weighed;
}

}  // namespace ecrelay::store

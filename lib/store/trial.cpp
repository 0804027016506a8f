#include "store/trial.h"

#include "store/row_reading.h"
#include "store/suppression.h"

namespace ecrelay::store {
namespace {

using records::Standing;
using records::State;
using records::SuppressionEntry;

std::string select_entries(std::string_view conditions) {
  return "SELECT " + std::string(entry_columns) +
         " FROM suppression WHERE key = ?1 AND shop IN (?2, '') AND closed_ms IS NULL" +
         std::string(conditions);
}

std::vector<SuppressionEntry> entries_in(Rows rows) {
  std::vector<SuppressionEntry> entries;
  while (rows.next()) entries.push_back(read_entry(rows));
  return entries;
}

/// What the relay finds out by itself it may also find out to be over.
bool is_finding(const SuppressionEntry& entry) {
  return entry.reason == "hard" || entry.reason == "domain" || entry.reason == "soft-count";
}

Standing after_trial(Connection& book, const SuppressionEntry& entry, TimePoint now,
                     Duration quiet) {
  Rows rows = book.query(
      "SELECT r.state, ifnull(r.finished_ms, 0), EXISTS (SELECT 1 FROM report p"
      " WHERE p.message = r.message AND p.recipient = r.n AND p.action = 'failed')"
      " FROM suppression s JOIN recipient r ON r.message = s.trial AND r.n = s.trial_n"
      " WHERE s.id = ?",
      entry.id);
  if (!rows.next()) return Standing::untried;  // it was taken back
  const State state = known(records::parse_state(rows.text()));
  const TimePoint finished = rows.time();
  const bool came_back = rows.integer() != 0;
  if (records::is_open(state)) return Standing::on_trial;
  if (state != State::sent || came_back) return Standing::untried;
  return finished + quiet > now ? Standing::on_trial : Standing::alive;
}

void close_alive(Transaction& change, const SuppressionEntry& entry, TimePoint at) {
  const std::string why = "message " + entry.trial->text() + " was delivered and nothing came back";
  close_entry(change, entry, "lapsed", Cause{at, why, "relay"});
}

/// The entry that keeps the recipient from being tried; nothing, and it is the trial of `lapsed`.
std::optional<std::int64_t> behind(Transaction& change, const records::Recipient& recipient,
                                   const std::vector<SuppressionEntry>& lapsed, TimePoint at,
                                   Duration quiet) {
  std::vector<const SuppressionEntry*> free;
  for (const SuppressionEntry& entry : lapsed) {
    switch (standing_of(change.book(), entry, at, quiet)) {
      case Standing::on_trial:
        return entry.id;
      case Standing::untried:
        free.push_back(&entry);
        break;
      case Standing::alive:
        close_alive(change, entry, at);
        break;
      default:
        break;
    }
  }
  for (const SuppressionEntry* entry : free)
    change.book().execute("UPDATE suppression SET trial = ?, trial_n = ? WHERE id = ?",
                          recipient.message, recipient.n, entry->id);
  return std::nullopt;
}

}  // namespace

Standing standing_of(Connection& book, const SuppressionEntry& entry, TimePoint now,
                     Duration quiet) {
  if (entry.closed_at) return Standing::closed;
  if (entry.dry_run) return Standing::dry_run;
  if (entry.lifted_until && *entry.lifted_until > now) return Standing::lifted;
  if (!entry.expires_at || *entry.expires_at > now) return Standing::blocks;
  if (!is_finding(entry)) return Standing::over;
  return entry.trial ? after_trial(book, entry, now, quiet) : Standing::untried;
}

std::vector<HeldBehind> claim_trials(Transaction& change, const records::Message& message,
                                     std::vector<records::Recipient>& recipients,
                                     const records::ListRules& rules) {
  static const std::string past_their_time = select_entries(" AND expires_ms <= ?3 AND dry = 0");
  std::vector<HeldBehind> held;
  for (records::Recipient& recipient : recipients) {
    if (!records::is_open(recipient.state)) continue;
    const auto lapsed = entries_in(
        change.book().query(past_their_time, recipient.key, message.shop, message.accepted_at));
    if (lapsed.empty()) continue;
    const auto entry =
        behind(change, recipient, lapsed, message.accepted_at, rules.quiet_after_delivery);
    if (!entry) continue;
    recipient.state = State::suppressed;
    recipient.reply = "on the suppression list (entry " + std::to_string(*entry) +
                      "), another message tries whether the address lives";
    held.push_back({recipient.n, *entry});
  }
  return held;
}

std::vector<SuppressionEntry> tried_by(Connection& book, const Ulid& message, std::string_view key,
                                       std::string_view shop) {
  static const std::string of_message = select_entries(" AND trial = ?3 ORDER BY shop DESC");
  return entries_in(book.query(of_message, key, shop, message));
}

}  // namespace ecrelay::store

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "records/audit.h"
#include "records/charge.h"
#include "records/message.h"
#include "records/report.h"
#include "records/signing_key.h"
#include "records/suppression.h"
#include "store/accounts.h"
#include "store/database.h"
#include "store/queue.h"
#include "store/snapshot.h"

namespace ecrelay::store {

/// A recipient in a list, with what one wants to see of its message.
struct QueueRow {
  records::Recipient recipient;
  std::string shop;
  std::string upstream;
  std::string sender;
  std::string subject;
  TimePoint accepted_at;
  TimePoint expires_at;
};

struct QueueTotals {
  std::int64_t queued = 0;
  std::int64_t held = 0;
  std::optional<TimePoint> oldest_due;  ///< of the queued
  std::optional<TimePoint> oldest;      ///< of the queued: when its message was accepted
};

/// A message and all that became of it.
struct MessageTrace {
  records::Message message;
  std::vector<records::Recipient> recipients;
  std::vector<records::Attempt> attempts;  ///< in order of recipient and number
  std::vector<records::Report> reports;    ///< that came back, oldest first
  std::vector<records::LedgerEntry> ledger;
  std::vector<records::SuppressionEvent> suppressions;  ///< that this message caused
};

/// Whom a report can be about.
struct Addressee {
  std::string shop;
  std::string address;
  std::string key;
  std::string sender{};    ///< of the message; "" is the null sender
  std::string upstream{};  ///< that took it
};

struct UsageQuery {
  enum class By { shop, day };
  std::chrono::year_month_day from;  ///< JST days, both included
  std::chrono::year_month_day to;
  std::optional<std::string> shop;
  By by = By::shop;
};

struct UsageRow {
  std::string label;  ///< shop or JST day "2026-11-23"
  records::Usage usage;
};

struct SuppressionFilter {
  std::optional<std::string> shop;  ///< "" is the operator's own list
  std::optional<std::string> reason;
  std::optional<std::string> domain;  ///< as keys have it
  std::optional<TimePoint> from;      ///< since then, or later
  std::optional<TimePoint> to;        ///< and not after
  std::optional<std::string> actor;   ///< who made them
};

/// Soft points of an address.
struct Points {
  std::string shop;
  std::string kind;  ///< mailbox, delivery
  std::int64_t count = 0;
  TimePoint last;
};

/// Questions of people: read-only, on a connection of its own, for one thread. Every answer is a
/// snapshot, and none stays open after the call, so the writer is never held up. Works beside a
/// running daemon and without one. Throws Failure. Keys are made by the mail module.
class Inquiry {
 public:
  explicit Inquiry(const std::string& book);

  QueueTotals totals();
  /// Queued and held recipients that go by the upstream, or are the shop's. Reads the queue.
  std::int64_t open_by_upstream(std::string_view upstream);
  std::int64_t open_of_shop(std::string_view shop);
  /// Recipients in `state`, the next due first (final ones: the newest message first).
  std::vector<QueueRow> queue(const QueueFilter& filter, records::State state, std::size_t limit);

  std::optional<MessageTrace> trace(const Ulid& id);
  /// The newest first; `message_id` with its angle brackets.
  std::vector<MessageTrace> trace_message_id(std::string_view message_id, std::size_t limit);
  /// Messages to an address, the newest first.
  std::vector<MessageTrace> trace_recipient(std::string_view key, std::size_t limit);

  /// Recipient `n` of a message. Microseconds.
  std::optional<Addressee> addressee(const Ulid& message, std::uint32_t n);

  /// Milliseconds at any number of messages: reads the daily totals.
  std::vector<UsageRow> usage(const UsageQuery& query);
  records::Usage total(const UsageQuery& query);
  /// What finance asks. Must not outlive this.
  Accounts accounts() { return Accounts(connection_, archives_); }
  const std::string& file() const { return connection_.file(); }

  /// Steps towards an archive that need no writing to the book (archive.h).
  Archived write_archive(std::chrono::year_month month,
                         const std::function<void(std::int64_t)>& report) {
    return store::write_archive(connection_, month, report);
  }
  void give_name(Archived& draft) { store::give_name(connection_, draft); }
  /// From now on this month is read from its draft, as if it had been archived.
  void read_too(Archived draft) { archives_->read_too(std::move(draft)); }
  /// One state of the book for all that is asked while it lives.
  std::unique_ptr<Snapshot> snapshot() { return std::make_unique<Snapshot>(connection_); }

  /// Open entries of an address, of every shop and operator-wide; also those past their time.
  std::vector<records::SuppressionEntry> suppressions(std::string_view key);
  std::vector<records::SuppressionEntry> suppressions(const SuppressionFilter& filter,
                                                      std::size_t limit);
  /// Open entries behind one, in order of key and shop: pages through all of them.
  std::vector<records::SuppressionEntry> suppressions_after(std::string_view key,
                                                            std::string_view shop,
                                                            std::size_t limit);
  std::vector<records::SuppressionEvent> suppression_history(std::string_view key,
                                                             std::size_t limit);
  /// Candidates that wait for somebody to look, the oldest first.
  std::vector<records::SuppressionEntry> parked(const std::optional<std::string>& domain,
                                                std::size_t limit);
  /// Candidates of all domains, or of one key.
  std::int64_t parked_count(const std::optional<std::string>& key = {});
  /// Soft points of an address since then, by shop and kind.
  std::vector<Points> points(std::string_view key, TimePoint since);
  /// How many open entries a filter finds (its reason does not count), by reason.
  std::map<std::string, std::int64_t> suppression_counts(const SuppressionFilter& filter);
  /// How much mail to an address the list has held back.
  records::HeldBack held_back(std::string_view key);
  /// How the entry stands at `now` (trial.h).
  records::Standing standing(const records::SuppressionEntry& entry, TimePoint now, Duration quiet);
  /// How often somebody has cleared the address since then.
  std::int64_t clearings_since(std::string_view key, TimePoint since);

  /// Of one domain, or of all (""); in order of domain and selector.
  std::vector<records::SigningKey> signing_keys(std::string_view domain);
  std::vector<records::DnsRecord> dns_records();
  /// Does mail wait that this key has signed? Reads the queue.
  bool has_open_mail_signed(std::string_view domain, std::string_view selector);
  /// For which domains recipients are held until a key is in DNS; and how many.
  std::vector<std::string> domains_waiting_for_keys();
  std::int64_t count_waiting_for_key(std::string_view domain);

  std::vector<records::AuditRow> audits(std::size_t limit);  ///< the newest first

 private:
  MessageTrace traced(records::Message message);
  std::vector<MessageTrace> traced(const std::vector<Ulid>& ids);

  Connection connection_;
  std::shared_ptr<Archives> archives_ = std::make_shared<Archives>(connection_);
};

}  // namespace ecrelay::store

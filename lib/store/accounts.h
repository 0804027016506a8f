#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "core/ulid.h"
#include "records/charge.h"
#include "store/archive.h"
#include "store/database.h"

namespace ecrelay::store {

/// Rows of the ledger; all criteria given must hold. Days are those of booking, in JST.
struct LedgerQuery {
  std::chrono::year_month_day from;
  std::chrono::year_month_day to;  ///< included
  std::optional<std::string> shop;
  std::optional<Money> least;
  std::optional<Money> most;
};

/// A month that is closed for good.
struct ClosedMonth {
  std::chrono::year_month month;
  TimePoint closed_at;
  std::string actor;
  std::string manifest;  ///< of its files as UTF-8 with English headings
  std::string sha256;    ///< of the manifest
  std::string previous;  ///< sha256 of the month closed before; "" for the first
};

/// A recipient that was sent, and what upstream took it.
struct SentOn {
  std::string upstream;
  std::string day;
  std::int64_t recipients = 0;
};

/// Questions of finance, on the connection of an Inquiry, which outlives it. Day totals answer in
/// milliseconds at any size; what reads the ledger says so, and reads months that have been moved
/// from their archives.
class Accounts {
 public:
  explicit Accounts(Connection& connection)
      : Accounts(connection, std::make_shared<Archives>(connection)) {}
  Accounts(Connection& connection, std::shared_ptr<Archives> archives)
      : connection_(connection), archives_(std::move(archives)) {}

  /// The first JST month in which anything happened.
  std::optional<std::chrono::year_month> first_month();
  std::vector<ClosedMonth> closed_months();  ///< the oldest first
  std::optional<ClosedMonth> closed(std::chrono::year_month month);
  /// Names of shops when the month was closed.
  std::map<std::string, std::string> names(std::chrono::year_month month);

  /// By shop, then by day.
  std::vector<records::ShopDay> days(std::chrono::year_month month);
  /// Whether anything of this shop is in the book's totals.
  bool knows(std::string_view shop);
  /// All that ever happened.
  records::Usage ever();
  /// Recipients of shops' mail that wait. Reads the queue.
  std::int64_t open_recipients();
  /// Of messages accepted in the month. Reads the queue.
  std::int64_t open_recipients(std::chrono::year_month month);

  /// Oldest first, after row `after`. Reads the days asked for, about 1 us a row.
  std::vector<records::LedgerEntry> ledger(const LedgerQuery& query, std::int64_t after,
                                           std::size_t limit);
  std::optional<records::LedgerEntry> entry(std::int64_t id);
  /// The charges of a message, and what took them back.
  std::vector<records::LedgerEntry> ledger_of(const Ulid& message);
  std::optional<std::int64_t> reversal_of(std::int64_t charge);  ///< the row that took it back
  /// Every row booked in the month in order, page by page: memory does not grow with rows.
  void read_month(std::chrono::year_month month,
                  const std::function<void(const records::LedgerEntry&)>& take);

  /// Recipients sent in the month that no charge stands for, at most `limit` ("ULID n"). Reads
  /// the recipients of this month and the two before, about 3 us each.
  std::vector<std::string> uncharged(std::chrono::year_month month, std::size_t limit);
  /// Recipients of the month taken by an upstream, by JST day. Reads as much.
  std::vector<SentOn> sent_on(std::chrono::year_month month, std::string_view upstream);

  /// As they were noted, oldest first.
  std::vector<records::PriceRow> prices();
  /// The last JST day on which a shop ("": any) was charged.
  std::optional<std::chrono::year_month_day> last_charged(std::string_view shop);

  /// Where months are that have left the book.
  std::vector<Archived> archives() { return archives_->all(); }
  std::optional<Archived> archived(std::chrono::year_month month) { return archives_->of(month); }

 private:
  struct Ids {
    Ulid from;
    Ulid until;
  };

  std::vector<records::LedgerEntry> ledger(const LedgerQuery& query, std::int64_t after,
                                           std::size_t limit,
                                           const std::vector<Archived>& archives);
  Ids ids_of(std::chrono::year_month month);
  bool unit_has_changed();

  Connection& connection_;
  std::shared_ptr<Archives> archives_;
};

}  // namespace ecrelay::store

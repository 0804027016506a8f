#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/money.h"
#include "core/time.h"
#include "core/ulid.h"
#include "store/database.h"

/// The charges of closed months, moved out of the book into `archive/ledger-YYYYMM.db` beside it.
/// A month is moved in three steps, and a crash between any two of them loses nothing:
///
///   1. write_archive() copies the month's rows into a file of another name, give_name() gives it
///      its own: the book still has everything and knows of no archive.
///   2. note_archive() tells the book, in one transaction. From here on the file is what the
///      month's rows are read from; its SHA-256 stands in the book.
///   3. clear_archived() removes the charges from the book, some at a time, so that mail is not
///      held up. What is left of them by a crash is in nobody's way, and the next call goes on.
namespace ecrelay::store {

/// A month that was moved, as the book knows it.
struct Archived {
  std::chrono::year_month month;
  std::string file;  ///< its name within archive/
  std::string sha256;
  std::uint64_t bytes = 0;
  std::int64_t first_row = 0;  ///< numbers of its rows lie between these, and some of others' too
  std::int64_t last_row = 0;
  std::int64_t entries = 0;
  Money net;
  Ulid charged_before;  ///< no message older than this is ever charged again
  TimePoint at;
  std::string actor;
};

std::string archive_name(std::chrono::year_month month);  ///< "ledger-202611.db"
/// Where the archives of a book are.
std::string archive_folder(const std::string& book);

/// The archives of a book, each opened when it is first read. Belongs to the book's thread.
class Archives {
 public:
  explicit Archives(Connection& book) : book_(book) {}
  Archives(const Archives&) = delete;
  Archives& operator=(const Archives&) = delete;

  std::vector<Archived> all();  ///< in the order of their months
  std::optional<Archived> of(std::chrono::year_month month);
  /// Failure when the file is missing or not the one that the book knows (by size).
  Connection& open(const Archived& archive);
  /// From now on this month is read from here, as if the book knew it.
  void read_too(Archived draft) { draft_ = std::move(draft); }

 private:
  Connection& book_;
  std::optional<Archived> draft_;
  std::map<std::string, std::unique_ptr<Connection>> open_;  ///< by name of the file
};

/// Step 1. `report` hears now and then how many rows are written. The draft lacks hash and actor.
/// Refused when a message that may still be charged would be shut out: one that waits, accepted
/// before the month's end.
Archived write_archive(Connection& book, std::chrono::year_month month,
                       const std::function<void(std::int64_t)>& report);
/// Syncs the draft and gives it its name, in place of what an earlier attempt has left there.
void give_name(Connection& book, Archived& draft);

/// Step 2. Refused when the month is not the next one, or has other sums than the archive.
void note_archive(Transaction& change, const Archived& archive);

/// Step 3: removes up to `limit` charges behind row `after`; the last of them, nothing when there
/// was none.
std::optional<std::int64_t> clear_archived(Transaction& change, std::int64_t after,
                                           std::int64_t limit);

}  // namespace ecrelay::store

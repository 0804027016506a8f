#pragma once

#include <sqlite3.h>

#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/money.h"
#include "core/time.h"
#include "core/ulid.h"
#include "store/failure.h"

/// SQLite, thin: what must not be forgotten (resetting, finishing, rolling back) is done by scope.
/// A connection and all that comes from it belong to one thread at a time. Every SQLite error is
/// a Failure; a broken rule of the book is Refused, a write that the disk did not take Unwritten.
namespace ecrelay::store {

/// A book to be written or read; an archive that is made, or read.
enum class Access { write, read, draft, archive };
enum class Checkpoint { passing, whole };

/// How long a reader that serves people waits for a lock.
inline constexpr Duration reader_patience{5'000};

class Connection;

/// The rows of one statement, and the statement itself while they are read. Ends the statement
/// when it goes; must not outlive its connection.
class Rows {
 public:
  Rows(Connection& connection, std::string_view sql, sqlite3_stmt* statement);
  Rows(Rows&&) noexcept;
  Rows& operator=(Rows&&) = delete;
  ~Rows();

  bool next();  ///< steps to the next row; false after the last

  /// Columns are read in order, from the first: each call takes the next one.
  bool null();  ///< looks at the next column without taking it
  std::int64_t integer();
  std::string text();
  Ulid ulid();
  TimePoint time() { return TimePoint(Duration(integer())); }
  Money money() { return Money::milli_yen(integer()); }
  template <typename Number>
  Number number() {
    return static_cast<Number>(integer());
  }
  template <typename T>
  std::optional<T> maybe(T (Rows::*read)()) {
    if (!null()) return (this->*read)();
    ++column_;
    return std::nullopt;
  }

  void bind(std::nullptr_t) { check(sqlite3_bind_null(statement_, ++bound_)); }
  void bind(std::int64_t value) { check(sqlite3_bind_int64(statement_, ++bound_, value)); }
  void bind(std::string_view text);
  void bind(const Ulid& id);
  void bind(TimePoint at) { bind(std::int64_t{at.time_since_epoch().count()}); }
  void bind(Money amount) { bind(amount.in_milli_yen()); }
  template <std::integral Number>
  void bind(Number value) {
    bind(static_cast<std::int64_t>(value));
  }
  template <typename T>
  void bind(const std::optional<T>& value) {
    if (value)
      bind(*value);
    else
      bind(nullptr);
  }

 private:
  void check(int code) const;

  Connection* connection_;
  std::string_view sql_;  ///< as the connection's cache holds it
  sqlite3_stmt* statement_;
  int bound_ = 0;
  int column_ = 0;
};

/// One open book. Writers and readers alike: WAL, synchronous FULL, foreign keys on, defensive
/// mode, schema not trusted, no checkpoint by itself (see checkpoint()). An archive is one file
/// without a WAL; a draft of one is worth nothing before it is whole, so it is not synced.
class Connection {
 public:
  /// Opens `file` (never through a symbolic link in its place), for writing also creates it. `busy`
  /// is how long a lock is waited for. `vfs` names another SQLite file layer; tests put faults
  /// there.
  Connection(const std::string& file, Access access, Duration busy, const char* vfs = nullptr);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// A prepared statement with its parameters bound, left to right. Statements are kept and used
  /// again; texts are copied.
  template <typename... Values>
  Rows query(std::string_view sql, const Values&... values) {
    Rows rows = prepare(sql);
    (rows.bind(values), ...);
    return rows;
  }
  /// Runs a statement to its end; the number of rows it changed.
  template <typename... Values>
  std::int64_t execute(std::string_view sql, const Values&... values) {
    Rows rows = query(sql, values...);
    while (rows.next()) {
    }
    return sqlite3_changes64(handle_);
  }
  /// Runs several statements without parameters: schema and pragmas.
  void script(const std::string& sql);

  std::int64_t last_id() const { return sqlite3_last_insert_rowid(handle_); }
  const std::string& file() const { return file_; }

  /// Copies what the WAL holds into the book and syncs it, as far as readers allow; `whole` waits
  /// for readers and empties the WAL. It is never left to COMMIT, because SQLite drops the errors
  /// of its automatic checkpoint: a failed sync there would be taken for a good one at the next
  /// try.
  void checkpoint(Checkpoint extent);
  /// Pages in the WAL after the last commit.
  int wal_pages() const { return wal_pages_; }
  /// Writes the book, as of now or of the transaction that is open, into a new file; not synced.
  void copy_to(const std::string& file);
  /// After a failed sync: closing must not checkpoint, the WAL is all there is.
  void keep_wal();

 private:
  friend class Rows;

  Rows prepare(std::string_view sql);
  void check(int code, std::string_view doing) const;
  void close() noexcept;

  std::string file_;
  sqlite3* handle_ = nullptr;
  std::map<std::string, sqlite3_stmt*, std::less<>> idle_;
  int wal_pages_ = 0;
};

/// All or nothing. Rolls back when it goes without commit().
class Transaction {
 public:
  explicit Transaction(Connection& connection);  ///< BEGIN IMMEDIATE
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  Connection& book() { return connection_; }
  /// Returns once the rows are synced. After Unwritten they are not there; after any other Failure
  /// they may be there or not, also after a restart (THREATS "Storage facts").
  void commit();

 private:
  Connection& connection_;
  bool open_ = true;
};

/// A part of a transaction that can fail alone. Rolls back to its beginning when it goes without
/// keep().
class Savepoint {
 public:
  explicit Savepoint(Transaction& transaction);
  Savepoint(const Savepoint&) = delete;
  Savepoint& operator=(const Savepoint&) = delete;
  ~Savepoint();

  void keep();

 private:
  Connection& connection_;
  bool open_ = true;
};

}  // namespace ecrelay::store

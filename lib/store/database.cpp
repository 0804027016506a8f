#include "store/database.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

namespace ecrelay::store {
namespace {

/// What an operator can do about it.
std::string_view advice(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return "; make space on the file system";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "; the book is damaged: keep a copy of it and restore a backup";
    case SQLITE_READONLY:
      return "; the file or its file system cannot be written";
    case SQLITE_CANTOPEN:
      return "; does it exist, and may this user open it?";
    case SQLITE_IOERR:
      return "; look for disk errors in the kernel's log";
    default:
      return "";
  }
}

bool is_a_broken_rule(int code) {
  const int primary = code & 0xff;
  return primary == SQLITE_CONSTRAINT || primary == SQLITE_MISMATCH || primary == SQLITE_TOOBIG;
}

/// A failed write leaves the frame that would commit incomplete in the WAL, so that no reader and
/// no recovery takes the transaction for committed (with powersafe overwrite, SQLite's default,
/// nothing is written behind that frame). Not so a failed sync, or whatever comes after it.
bool is_unwritten(int code) { return (code & 0xff) == SQLITE_FULL || code == SQLITE_IOERR_WRITE; }

int remember_wal_pages(void* pages, sqlite3*, const char*, int count) {
  *static_cast<int*>(pages) = count;
  return SQLITE_OK;
}

int flags_for(Access access) {
  const int base = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
  switch (access) {
    case Access::write:
      return base | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case Access::draft:
      return base | SQLITE_OPEN_READWRITE;
    case Access::read:
    case Access::archive:
      break;
  }
  return base | SQLITE_OPEN_READONLY;
}

/// SQLite's count of its memory takes one lock of the whole process for every allocation, and
/// nobody reads it. To be called before the first connection.
bool without_memory_count() { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK; }

/// `file` with the links in its folder's path resolved: SQLITE_OPEN_NOFOLLOW refuses a link
/// anywhere in the path, and only the file itself is our business.
std::string resolved(const std::string& file) {
  const std::filesystem::path path(file);
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::canonical(path.parent_path(), error);
  return error ? file : (folder / path.filename()).string();
}

constexpr const char* common_pragmas = R"(
  PRAGMA foreign_keys = ON;
  PRAGMA trusted_schema = OFF;
  PRAGMA cell_size_check = ON;
  PRAGMA temp_store = MEMORY;
  PRAGMA mmap_size = 0;
)";
/// The kernel caches the book's file too; 32 MiB of pages here were not faster (measured).
constexpr const char* writer_pragmas = R"(
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA journal_size_limit = 16777216;
  PRAGMA cache_size = -8192;
)";
constexpr const char* draft_pragmas = R"(
  PRAGMA journal_mode = MEMORY;
  PRAGMA synchronous = OFF;
  PRAGMA cache_size = -32768;
)";

const char* pragmas_for(Access access) {
  if (access == Access::write) return writer_pragmas;
  return access == Access::draft ? draft_pragmas : "PRAGMA query_only = ON;";
}

bool is_book(Access access) { return access == Access::write || access == Access::read; }

}  // namespace

Rows::Rows(Connection& connection, std::string_view sql, sqlite3_stmt* statement)
    : connection_(&connection), sql_(sql), statement_(statement) {}

Rows::Rows(Rows&& other) noexcept
    : connection_(other.connection_),
      sql_(other.sql_),
      statement_(std::exchange(other.statement_, nullptr)),
      bound_(other.bound_),
      column_(other.column_) {}

Rows::~Rows() {
  if (!statement_) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  sqlite3_stmt*& idle = connection_->idle_.find(sql_)->second;
  if (idle)
    sqlite3_finalize(statement_);
  else
    idle = statement_;
}

void Rows::check(int code) const { connection_->check(code, sql_); }

bool Rows::next() {
  column_ = 0;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) check(code);
  return false;
}

bool Rows::null() { return sqlite3_column_type(statement_, column_) == SQLITE_NULL; }

std::int64_t Rows::integer() { return sqlite3_column_int64(statement_, column_++); }

std::string Rows::text() {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column_));
  const int length = sqlite3_column_bytes(statement_, column_++);
  return bytes ? std::string(bytes, static_cast<std::size_t>(length)) : std::string();
}

Ulid Rows::ulid() {
  Ulid::Bytes bytes{};
  const auto* blob = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column_));
  const int length = sqlite3_column_bytes(statement_, column_++);
  if (!blob || length != static_cast<int>(bytes.size()))
    throw Failure(connection_->file() + ": an id in the book is not 16 bytes long");
  std::copy(blob, blob + length, bytes.begin());
  return Ulid::from_bytes(bytes);
}

void Rows::bind(std::string_view text) {
  // A null pointer would bind NULL, and an empty view may have one.
  const char* bytes = text.data() ? text.data() : "";
  check(
      sqlite3_bind_text64(statement_, ++bound_, bytes, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Rows::bind(const Ulid& id) {
  check(sqlite3_bind_blob64(statement_, ++bound_, id.bytes().data(), id.bytes().size(),
                            SQLITE_TRANSIENT));
}

Connection::Connection(const std::string& file, Access access, Duration busy, const char* vfs)
    : file_(resolved(file)) {
  [[maybe_unused]] static const bool configured = without_memory_count();
  try {
    check(sqlite3_open_v2(file_.c_str(), &handle_, flags_for(access), vfs), "open");
    check(sqlite3_busy_timeout(handle_, static_cast<int>(busy.count())), "busy_timeout");
    check(sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr), "defensive mode");
    sqlite3_wal_hook(handle_, remember_wal_pages, &wal_pages_);
    script(common_pragmas);
    script(pragmas_for(access));
    if (Rows mode = query("PRAGMA journal_mode");
        is_book(access) && (!mode.next() || mode.text() != "wal"))
      throw Failure(file_ + ": cannot be used in WAL mode");
  } catch (...) {
    close();
    throw;
  }
}

Connection::~Connection() { close(); }

void Connection::close() noexcept {
  for (auto& [sql, statement] : idle_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

Rows Connection::prepare(std::string_view sql) {
  auto place = idle_.find(sql);
  if (place == idle_.end()) place = idle_.emplace(std::string(sql), nullptr).first;
  sqlite3_stmt* statement = std::exchange(place->second, nullptr);
  if (!statement)
    check(sqlite3_prepare_v3(handle_, place->first.c_str(), -1, SQLITE_PREPARE_PERSISTENT,
                             &statement, nullptr),
          place->first);
  return Rows(*this, place->first, statement);
}

void Connection::script(const std::string& sql) {
  check(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr), sql.substr(0, 80));
}

void Connection::check(int code, std::string_view doing) const {
  if (code == SQLITE_OK) return;
  std::string text = file_ + ": " + (handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(code)) +
                     " (SQLite " + std::to_string(code) + ") at \"" + std::string(doing) + "\"" +
                     std::string(advice(code));
  if (is_a_broken_rule(code)) throw Refused(text);
  if (is_unwritten(code)) throw Unwritten(text);
  throw Failure(text);
}

void Connection::checkpoint(Checkpoint extent) {
  const int mode =
      extent == Checkpoint::whole ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
  const int code = sqlite3_wal_checkpoint_v2(handle_, nullptr, mode, nullptr, nullptr);
  const int primary = code & 0xff;
  if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) return;  // a reader is in the way
  check(code, "checkpoint");
  wal_pages_ = 0;
}

void Connection::copy_to(const std::string& file) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE;
  sqlite3* opened = nullptr;
  int code = sqlite3_open_v2(file.c_str(), &opened, flags, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> target(opened, &sqlite3_close);
  // A copy that is not finished is worth nothing, so it needs no journal.
  const char* unguarded = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;";
  if (code == SQLITE_OK) code = sqlite3_exec(target.get(), unguarded, nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) {
    sqlite3_backup* backup = sqlite3_backup_init(target.get(), "main", handle_, "main");
    code = backup ? sqlite3_backup_step(backup, -1) : sqlite3_extended_errcode(target.get());
    sqlite3_backup_finish(backup);
  }
  if (code != SQLITE_OK && code != SQLITE_DONE)
    throw Failure("cannot copy " + file_ + " to " + file + ": " + sqlite3_errstr(code) +
                  std::string(advice(code)));
}

void Connection::keep_wal() {
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

Transaction::Transaction(Connection& connection) : connection_(connection) {
  connection_.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    connection_.execute("ROLLBACK");
  } catch (const Failure&) {
    // SQLite has rolled back by itself, as it does on a full disk.
  }
}

void Transaction::commit() {
  connection_.execute("COMMIT");
  open_ = false;
}

Savepoint::Savepoint(Transaction& transaction) : connection_(transaction.book()) {
  connection_.execute("SAVEPOINT item");
}

Savepoint::~Savepoint() {
  if (!open_) return;
  try {
    connection_.execute("ROLLBACK TO item");
    connection_.execute("RELEASE item");
  } catch (const Failure&) {
    // The whole transaction is gone already; its COMMIT will say so.
  }
}

void Savepoint::keep() {
  connection_.execute("RELEASE item");
  open_ = false;
}

}  // namespace ecrelay::store

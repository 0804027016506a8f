#include "store/archive.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "store/accounts.h"
#include "store/files.h"
#include "store/month_span.h"
#include "store/row_reading.h"
#include "store/schema_archive.h"

namespace ecrelay::store {
namespace {

using std::chrono::year_month;

constexpr std::string_view archive_columns =
    "month, sha256, bytes, first_row, last_row, entries, net_milli, charged_before, archived_ms,"
    " actor";

Archived read_archived(Rows& rows) {
  Archived archive;
  archive.month = known(parse_month(rows.text()));
  archive.file = archive_name(archive.month);
  archive.sha256 = rows.text();
  archive.bytes = rows.number<std::uint64_t>();
  archive.first_row = rows.integer();
  archive.last_row = rows.integer();
  archive.entries = rows.integer();
  archive.net = rows.money();
  archive.charged_before = rows.ulid();
  archive.at = rows.time();
  archive.actor = rows.text();
  return archive;
}

std::string partial(year_month month) { return "." + archive_name(month) + ".partial"; }

std::uint64_t size_of(const std::string& path) {
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0)
    throw system_failure("cannot read " + path +
                         ", which has charges of closed months; restore it");
  return static_cast<std::uint64_t>(facts.st_size);
}

/// The folder, made when missing, closed to all others.
Descriptor make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    throw system_failure("cannot make " + path);
  Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder) throw system_failure("cannot open " + path);
  return folder;
}

/// An empty file of ours for SQLite to fill, whatever an earlier attempt has left.
std::string make_draft(const std::string& folder, const std::string& name) {
  const Descriptor directory = make_folder(folder);
  if (::unlinkat(directory.number(), name.c_str(), 0) != 0 && errno != ENOENT)
    throw system_failure("cannot replace " + folder + "/" + name);
  system_files().create(directory.number(), name);
  return folder + "/" + name;
}

void copy_row(Connection& file, const records::LedgerEntry& e) {
  const std::optional<TimePoint> booked =
      e.booked_at == e.at ? std::nullopt : std::optional(e.booked_at);
  file.execute(
      "INSERT INTO ledger (id, kind, at_ms, booked_ms, shop, message, recipient, recipients, unit,"
      " price_milli, amount_milli, reverses, tag, reason, actor)"
      " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      e.id, records::text(e.kind), e.at, booked, e.shop, e.message, e.recipient, e.recipients,
      records::text(e.unit), e.price, e.amount, e.reverses, e.tag, e.reason, e.actor);
}

void require_nothing_waits(Connection& book, const Ulid& wall) {
  Rows rows = book.query(
      "SELECT count(*), min(id) FROM message WHERE open_recipients > 0 AND +id < ?", wall);
  rows.next();
  const std::int64_t waiting = rows.integer();
  if (waiting == 0) return;
  throw Refused(std::to_string(waiting) +
                " messages that were accepted by then still wait, the oldest is " +
                rows.ulid().text() + ": they may yet be charged; archive when they have ended");
}

}  // namespace

std::string archive_name(year_month month) {
  std::string digits = to_text(month);
  std::erase(digits, '-');
  return "ledger-" + digits + ".db";
}

std::string archive_folder(const std::string& book) {
  return (std::filesystem::path(book).parent_path() / "archive").string();
}

std::vector<Archived> Archives::all() {
  Rows rows =
      book_.query("SELECT " + std::string(archive_columns) + " FROM archive ORDER BY month");
  std::vector<Archived> list;
  while (rows.next()) list.push_back(read_archived(rows));
  if (draft_) list.push_back(*draft_);
  return list;
}

std::optional<Archived> Archives::of(year_month month) {
  if (draft_ && draft_->month == month) return draft_;
  Rows rows = book_.query(
      "SELECT " + std::string(archive_columns) + " FROM archive WHERE month = ?", to_text(month));
  if (!rows.next()) return std::nullopt;
  return read_archived(rows);
}

Connection& Archives::open(const Archived& archive) {
  auto& place = open_[archive.file];
  if (place) return *place;
  const std::string path = archive_folder(book_.file()) + "/" + archive.file;
  if (size_of(path) != archive.bytes)
    throw Failure(path + " is not the file that was archived: restore it from a backup");
  place = std::make_unique<Connection>(path, Access::archive, reader_patience);
  return *place;
}

Archived write_archive(Connection& book, year_month month,
                       const std::function<void(std::int64_t)>& report) {
  constexpr std::int64_t every = 100'000;
  Archived draft;
  draft.month = month;
  draft.file = partial(month);
  const std::string path = make_draft(archive_folder(book.file()), draft.file);
  {
    Connection file(path, Access::draft, reader_patience);
    Transaction filling(file);
    file.script(archive_schema);
    Accounts(book).read_month(month, [&](const records::LedgerEntry& entry) {
      copy_row(file, entry);
      if (draft.entries == 0) draft.first_row = entry.id;
      draft.last_row = entry.id;
      draft.net = draft.net + entry.amount;
      if (++draft.entries % every == 0 && report) report(draft.entries);
    });
    filling.commit();
  }
  draft.bytes = size_of(path);
  draft.charged_before = Ulid(span_of(month).until, {});
  require_nothing_waits(book, draft.charged_before);
  return draft;
}

void give_name(Connection& book, Archived& draft) {
  const std::string name = archive_name(draft.month);
  const Descriptor folder = make_folder(archive_folder(book.file()));
  const Descriptor file(
      ::openat(folder.number(), draft.file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file || ::fchmod(file.number(), 0400) != 0)
    throw system_failure("cannot finish archive " + draft.file);
  system_files().sync(file.number());
  if (::renameat(folder.number(), draft.file.c_str(), folder.number(), name.c_str()) != 0)
    throw system_failure("cannot give archive " + name + " its name");
  system_files().sync_directory(folder.number());
  const Descriptor above(::openat(folder.number(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!above) throw system_failure("cannot open the folder above " + archive_folder(book.file()));
  system_files().sync_directory(above.number());
  draft.file = name;
}

void note_archive(Transaction& change, const Archived& archive) {
  change.book().execute(
      "INSERT INTO archive (" + std::string(archive_columns) + ") VALUES (?,?,?,?,?,?,?,?,?,?)",
      to_text(archive.month), archive.sha256, archive.bytes, archive.first_row, archive.last_row,
      archive.entries, archive.net, archive.charged_before, archive.at, archive.actor);
}

std::optional<std::int64_t> clear_archived(Transaction& change, std::int64_t after,
                                           std::int64_t limit) {
  static const std::string charges =
      " id > ?1 AND id <= (SELECT max(last_row) FROM archive) AND kind = 'charge'"
      " AND id < (SELECT max(id) FROM ledger) AND month IN (SELECT month FROM archive)"
      " AND message < (SELECT max(charged_before) FROM archive)";
  std::optional<std::int64_t> last;
  {
    Rows rows = change.book().query(
        "SELECT max(id) FROM (SELECT id FROM ledger WHERE" + charges + " ORDER BY id LIMIT ?2)",
        after, limit);
    rows.next();
    last = rows.maybe(&Rows::integer);
  }
  if (last)
    change.book().execute("DELETE FROM ledger WHERE" + charges + " AND id <= ?2", after, *last);
  return last;
}

}  // namespace ecrelay::store

#include "store/store.h"

#include <fcntl.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "store/archive.h"
#include "store/messages.h"
#include "store/refused.h"
#include "store/schema.h"

namespace ecrelay::store {
namespace {

/// SQLite would create the book with the process's umask; -wal and -shm take the book's mode.
std::string private_book(const StateDirectory& directory) {
  const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
  const Descriptor file(::openat(directory.folder(), "book.db", flags, 0600));
  if (!file) throw system_failure("cannot open " + directory.book());
  return directory.book();
}

/// The ballast, given up when opening the book might find no room.
Ballast trim(const StateDirectory& directory, Files& files, std::uint64_t bytes) {
  Ballast ballast(directory.folder(), files, bytes);
  if (directory.space().free < bytes) ballast.give_up();
  return ballast;
}

/// Segments that open messages need, and those the book has only the number of.
struct Needed {
  std::set<std::uint64_t> live;
  std::set<std::uint64_t> dead;
};

Needed needed_segments(Connection& book) {
  Needed needed;
  Rows rows = book.query("SELECT number, live FROM segment");
  while (rows.next()) {
    const auto number = rows.number<std::uint64_t>();
    (rows.integer() > 0 ? needed.live : needed.dead).insert(number);
  }
  return needed;
}

std::int64_t last_message(Connection& book) {
  Rows rows = book.query("SELECT ifnull(max(rowid), 0) FROM message");
  rows.next();
  return rows.integer();
}

/// A run that ended without warning could not say how long its last segment became.
void measure(Connection& book, const StateDirectory& directory,
             const std::set<std::uint64_t>& segments) {
  Transaction change(book);
  for (const std::uint64_t number : segments)
    book.execute("UPDATE segment SET size = ? WHERE number = ? AND size = 0",
                 Spool::size(directory.spool(), number), number);
  change.commit();
}

std::vector<std::string> unreadable_archives(Connection& book) {
  std::vector<std::string> reasons;
  Archives archives(book);
  for (const Archived& each : archives.all()) {
    try {
      archives.open(each);
    } catch (const Failure& failure) {
      reasons.emplace_back(failure.what());
    }
  }
  return reasons;
}

void forget(Connection& book, const std::set<std::uint64_t>& segments) {
  if (segments.empty()) return;
  Transaction change(book);
  book.execute("DELETE FROM segment WHERE live = 0");
  change.commit();
}

std::uint64_t highest(const std::set<std::uint64_t>& numbers) {
  return numbers.empty() ? 0 : *numbers.rbegin();
}

}  // namespace

Store::Store(Settings settings)
    : files_(settings.files ? *settings.files : system_files()),
      directory_(settings.state_dir, files_, settings.predecessor),
      ballast_(trim(directory_, files_, settings.ballast)),
      flights_(directory_.folder()),
      connection_(private_book(directory_), Access::write, reader_patience, settings.vfs) {
  migrate(connection_);
  // A run whose sync failed leaves frames in the WAL that the page cache calls clean though they
  // are not on disk; nothing may be written behind them.
  connection_.checkpoint(Checkpoint::whole);
  report_.refused_removed = remove_refused(directory_, files_, connection_);
  clean_spool();
  report_.archives_missing = unreadable_archives(connection_);
  files_.sync_directory(directory_.folder());
  last_of_earlier_runs_ = last_message(connection_);
  spool_ = std::make_unique<Spool>(directory_.spool(), files_, first_segment_, settings.spool);
  take_ballast();
  writer_ = std::make_unique<Writer>(connection_, *spool_, directory_, files_, ballast_,
                                     std::move(settings.writer));
}

Store::~Store() = default;

Result<records::Body> Store::read(const Ulid& id, records::Location location) const {
  for (;;) {
    auto body = spool_->read(id, location);
    if (body || body.error().code != ErrorCode::not_found) return body;
    Connection book(directory_.book(), Access::read, reader_patience);
    const auto now = location_of(book, id);
    if (!now || *now == location) return body;
    location = *now;
  }
}

/// Where there is no room for it the writer begins in trouble, and goes on looking.
void Store::take_ballast() {
  try {
    ballast_.take();
  } catch (const Failure&) {
    return;
  }
}

void Store::clean_spool() {
  const std::set<std::uint64_t> present = Spool::segments(directory_.spool());
  const Needed needed = needed_segments(connection_);
  first_segment_ = std::max(highest(present), highest(needed.live)) + 1;
  std::set_difference(needed.live.begin(), needed.live.end(), present.begin(), present.end(),
                      std::inserter(report_.segments_missing, report_.segments_missing.end()));
  for (const std::uint64_t number : present) {
    if (needed.live.contains(number)) continue;
    files_.remove(directory_.spool(), Spool::name(number));
    ++report_.segments_removed;
  }
  forget(connection_, needed.dead);
  measure(connection_, directory_, needed.live);
}

}  // namespace ecrelay::store

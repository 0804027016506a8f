#include "store/backup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <utility>
#include <vector>

#include "store/archive.h"
#include "store/database.h"
#include "store/files.h"
#include "store/spool.h"

namespace ecrelay::store {
namespace {

namespace fs = std::filesystem;

constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

Descriptor open_folder(const std::string& path) {
  Descriptor folder(::open(path.c_str(), folder_flags));
  if (!folder) throw system_failure("cannot open " + path);
  return folder;
}

Descriptor make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    throw system_failure("cannot make " + path);
  // Not by its path again, which others may exchange for a link where they may write.
  Descriptor folder = open_folder(path);
  std::error_code error;
  if (!fs::is_empty(path, error) || error)
    throw Failure(path + " is not an empty folder; name a new one for the backup");
  if (::fchmod(folder.number(), 0700) != 0)
    throw system_failure("cannot close " + path + " to others");
  return folder;
}

/// An open file keeps its bytes when the relay removes it.
using Segments = std::map<std::uint64_t, Descriptor>;

/// False when it is not there.
bool open_segment(int spool, std::uint64_t number, Segments& segments) {
  const std::string name = Spool::name(number);
  Descriptor file(::openat(spool, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file && errno != ENOENT) throw system_failure("cannot read " + name);
  return file && segments.emplace(number, std::move(file)).second;
}

std::uint64_t copy(int from, int folder, const std::string& name) {
  const Descriptor to = system_files().create(folder, name);
  std::vector<char> bytes(std::size_t{1} << 20);
  std::uint64_t copied = 0;
  for (;;) {
    const ssize_t count = ::read(from, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw system_failure("cannot read " + name);
    if (count == 0) break;
    system_files().append(to.number(), {{bytes.data(), static_cast<std::size_t>(count)}});
    copied += static_cast<std::uint64_t>(count);
  }
  system_files().sync(to.number());
  return copied;
}

/// Everything by which the copy is made.
class Backup {
 public:
  Backup(const std::string& state_dir, const std::string& target)
      : state_dir_(state_dir),
        spool_(open_folder(state_dir + "/spool")),
        target_(fs::absolute(target).string()),
        folder_(make_folder(target_)),
        target_spool_(make_folder(target_ + "/spool")) {}

  BackupReport run() {
    Connection original(state_dir_ + "/book.db", Access::read, reader_patience);
    fix_a_moment(original);
    original.copy_to(target_ + "/book.db");
    original.execute("ROLLBACK");
    count_open();
    sync_book();
    for (const auto& [number, file] : segments_) copy_segment(number, file.number());
    copy_archives();
    copy_refused();
    system_files().sync_directory(target_spool_.number());
    system_files().sync_directory(folder_.number());
    return report_;
  }

 private:
  /// Begins to read the book as of one moment, and opens what it needs of the spool. The relay
  /// removes a segment only after a commit says that nothing in it is live: what is missing, and
  /// needed still at a later moment, is missing in the original.
  void fix_a_moment(Connection& original) {
    for (std::set<std::uint64_t> before;; before = std::exchange(report_.segments_missing, {})) {
      original.execute("BEGIN");
      open_needed(original);
      const auto& missing = report_.segments_missing;
      if (std::includes(before.begin(), before.end(), missing.begin(), missing.end())) return;
      original.execute("ROLLBACK");
    }
  }

  void open_needed(Connection& original) {
    segments_.clear();
    archives_.clear();
    for (const Archived& each : Archives(original).all()) archives_.push_back(each.file);
    Rows rows = original.query("SELECT number FROM segment WHERE live > 0");
    while (rows.next()) {
      const auto number = rows.number<std::uint64_t>();
      if (!open_segment(spool_.number(), number, segments_))
        report_.segments_missing.insert(number);
    }
  }

  void count_open() {
    // As a writer, because a reader would leave the files of its WAL.
    Connection copied(target_ + "/book.db", Access::write, reader_patience);
    Rows open = copied.query(
        "SELECT (SELECT count(*) FROM recipient WHERE state = 'queued'),"
        " (SELECT count(*) FROM recipient WHERE state = 'held')");
    open.next();
    report_.queued = open.integer();
    report_.held = open.integer();
  }

  void sync_book() {
    const Descriptor file(::openat(folder_.number(), "book.db", O_RDONLY | O_CLOEXEC));
    struct stat facts {};
    if (!file || ::fchmod(file.number(), 0600) != 0 || ::fstat(file.number(), &facts) != 0)
      throw system_failure("cannot examine the copy of the book in " + target_);
    system_files().sync(file.number());
    report_.book_bytes = static_cast<std::uint64_t>(facts.st_size);
  }

  void copy_segment(std::uint64_t number, int file) {
    report_.spool_bytes += copy(file, target_spool_.number(), Spool::name(number));
    ++report_.segments;
  }

  /// Archives never change, and the book of a moment knows those that it needs.
  void copy_archives() {
    if (archives_.empty()) return;
    const Descriptor from = open_folder(state_dir_ + "/archive");
    const Descriptor to = make_folder(target_ + "/archive");
    for (const std::string& name : archives_) {
      const Descriptor file(
          ::openat(from.number(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
      if (!file) throw system_failure("cannot read archive/" + name);
      report_.archive_bytes += copy(file.number(), to.number(), name);
    }
    system_files().sync_directory(to.number());
  }

  /// What a writer that failed has refused must not come back from a copy either.
  void copy_refused() {
    const Descriptor file(::open((state_dir_ + "/refused").c_str(), O_RDONLY | O_CLOEXEC));
    if (file) copy(file.number(), folder_.number(), "refused");
  }

  std::string state_dir_;
  Descriptor spool_;
  std::string target_;
  Descriptor folder_;
  Descriptor target_spool_;
  Segments segments_;
  std::vector<std::string> archives_;
  BackupReport report_;
};

}  // namespace

BackupReport back_up(const std::string& state_dir, const std::string& target) {
  return Backup(state_dir, target).run();
}

}  // namespace ecrelay::store

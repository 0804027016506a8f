#include "store/backup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <vector>

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
  std::error_code error;
  if (!fs::is_empty(path, error) || error)
    throw Failure(path + " is not an empty folder; name a new one for the backup");
  if (::chmod(path.c_str(), 0700) != 0) throw system_failure("cannot close " + path + " to others");
  return open_folder(path);
}

/// An open file keeps its bytes when the relay removes it.
using Segments = std::map<std::uint64_t, Descriptor>;

void open_segment(int spool, std::uint64_t number, Segments& segments) {
  if (segments.contains(number)) return;
  const std::string name = Spool::name(number);
  Descriptor file(::openat(spool, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (file)
    segments.emplace(number, std::move(file));
  else if (errno != ENOENT)
    throw system_failure("cannot read " + name);
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
    // A segment that was begun and cleared between the two looks at the spool is missing once; what
    // is missing twice is missing in the original.
    std::set<std::uint64_t> missing = copy_book();
    if (!missing.empty()) missing = copy_book();
    for (const std::uint64_t number : needed_)
      if (const auto file = segments_.find(number); file != segments_.end())
        copy_segment(number, file->second.number());
    copy_refused();
    system_files().sync_directory(target_spool_.number());
    system_files().sync_directory(folder_.number());
    report_.segments_missing = std::move(missing);
    return report_;
  }

 private:
  std::string book() const { return target_ + "/book.db"; }

  /// The book as of one moment, and open what it needs of the spool; what is missing.
  std::set<std::uint64_t> copy_book() {
    segments_.clear();
    for (const std::uint64_t number : Spool::segments(spool_.number()))
      open_segment(spool_.number(), number, segments_);
    system_files().remove(folder_.number(), "book.db");
    Connection(state_dir_ + "/book.db", Access::read, reader_patience).copy_to(book());
    look_into_copy();
    std::set<std::uint64_t> missing;
    for (const std::uint64_t number : needed_) {
      open_segment(spool_.number(), number, segments_);
      if (!segments_.contains(number)) missing.insert(number);
    }
    sync_book();
    return missing;
  }

  void look_into_copy() {
    // As a writer, because a reader would leave the files of its WAL.
    Connection copied(book(), Access::write, reader_patience);
    needed_.clear();
    Rows segments = copied.query("SELECT number FROM segment WHERE live > 0");
    while (segments.next()) needed_.insert(segments.number<std::uint64_t>());
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
      throw system_failure("cannot examine " + book());
    system_files().sync(file.number());
    report_.book_bytes = static_cast<std::uint64_t>(facts.st_size);
  }

  void copy_segment(std::uint64_t number, int file) {
    report_.spool_bytes += copy(file, target_spool_.number(), Spool::name(number));
    ++report_.segments;
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
  std::set<std::uint64_t> needed_;
  BackupReport report_;
};

}  // namespace

BackupReport back_up(const std::string& state_dir, const std::string& target) {
  return Backup(state_dir, target).run();
}

}  // namespace ecrelay::store

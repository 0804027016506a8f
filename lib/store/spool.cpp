#include "store/spool.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <utility>

namespace ecrelay::store {
namespace {

constexpr std::string_view suffix = ".seg";
constexpr std::size_t digits = 16;

std::optional<std::uint64_t> number_of(std::string_view name) {
  if (name.size() != digits + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + digits, number, 16);
  if (error != std::errc() || end != name.data() + digits) return std::nullopt;
  return number;
}

Error read_error(const std::string& name) {
  const bool missing = errno == ENOENT;
  const std::string detail = system_failure("cannot read spool segment " + name).what();
  return missing ? not_found(detail) : unavailable(detail);
}

/// The bytes at `offset`, fewer where the file ends before.
Result<std::string> read_at(int file, std::uint64_t offset, std::size_t length,
                            const std::string& name) {
  std::string bytes(length, '\0');
  std::size_t filled = 0;
  while (filled < length) {
    const ssize_t count =
        ::pread(file, bytes.data() + filled, length - filled, static_cast<off_t>(offset + filled));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return read_error(name);
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  bytes.resize(filled);
  return bytes;
}

}  // namespace

Spool::Spool(int directory, Files& files, std::uint64_t first_segment, Settings settings)
    : directory_(directory), files_(files), settings_(settings), active_number_(first_segment) {}

std::string Spool::name(std::uint64_t segment) {
  std::string hex(digits, '0');
  for (std::size_t i = digits; i-- > 0; segment >>= 4) hex[i] = "0123456789abcdef"[segment & 15];
  return hex + std::string(suffix);
}

std::uint64_t Spool::size(int directory, std::uint64_t segment) {
  struct stat facts {};
  if (::fstatat(directory, name(segment).c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) return 0;
  return static_cast<std::uint64_t>(facts.st_size);
}

std::set<std::uint64_t> Spool::segments(int directory) {
  // A descriptor of its own: reading moves the position of the one it reads.
  const int fresh = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(fresh < 0 ? nullptr : ::fdopendir(fresh),
                                                    &::closedir);
  if (!listing) throw system_failure("cannot list the spool");
  std::set<std::uint64_t> numbers;
  errno = 0;
  while (const dirent* entry = ::readdir(listing.get()))
    if (const auto number = number_of(entry->d_name)) numbers.insert(*number);
  if (errno != 0) throw system_failure("cannot list the spool");
  return numbers;
}

records::Location Spool::append(const Ulid& id, std::string_view head, std::string_view body) {
  const auto preamble = records::spool_preamble(id, head, body);
  if (!preamble) throw Refused(preamble.error().detail);
  const std::uint64_t length = preamble->size() + head.size() + body.size();
  if (active_length_ > 0 && active_length_ + length > settings_.segment_size) close_segment();
  if (!active_) begin_segment();

  const records::Location location{active_number_, active_length_,
                                   static_cast<std::uint32_t>(head.size()),
                                   static_cast<std::uint32_t>(body.size())};
  try {
    files_.append(active_.number(), {{preamble->data(), preamble->size()}, head, body});
  } catch (const Failure&) {
    cut_back();
    throw;
  }
  active_length_ += length;
  dirty_ = true;
  return location;
}

void Spool::begin_segment() {
  active_ = files_.create(directory_, name(active_number_));
  name_is_new_ = true;
}

void Spool::close_segment() {
  closed_.push_back(Closed{active_number_, active_length_});
  if (dirty_) unsynced_.push_back(std::exchange(active_, Descriptor()));
  active_ = Descriptor();
  dirty_ = false;
  active_length_ = 0;
  ++active_number_;
}

void Spool::cut_back() {
  try {
    files_.truncate(active_.number(), active_length_);
  } catch (const Failure&) {
    close_segment();  // never write behind a torn record
  }
}

void Spool::sync() {
  for (const Descriptor& segment : unsynced_) files_.sync(segment.number());
  if (dirty_) files_.sync(active_.number());
  if (name_is_new_) files_.sync_directory(directory_);
  unsynced_.clear();
  dirty_ = name_is_new_ = false;
}

Result<records::Body> Spool::read(const Ulid& id, const records::Location& location) const {
  if (location.head_length > records::max_spool_head ||
      location.body_length > records::max_spool_body)
    return invalid("a spool record cannot be that long");
  const std::string file_name = name(location.segment);
  const Descriptor file(::openat(directory_, file_name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file) return read_error(file_name);
  const std::size_t length =
      records::spool_preamble_length + location.head_length + location.body_length;
  auto bytes = read_at(file.number(), location.offset, length, file_name);
  if (!bytes) return bytes.error();
  auto body = records::read_spool_record(id, std::move(*bytes));
  if (!body)
    return invalid(file_name + " at " + std::to_string(location.offset) + ": " +
                   body.error().detail);
  return body;
}

void Spool::remove(std::uint64_t segment) { files_.remove(directory_, name(segment)); }

}  // namespace ecrelay::store

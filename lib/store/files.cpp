#include "store/files.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

namespace ecrelay::store {
namespace {

void write_all(int file, std::initializer_list<std::string_view> parts) {
  std::vector<iovec> left;
  for (const std::string_view part : parts)
    if (!part.empty()) left.push_back({const_cast<char*>(part.data()), part.size()});
  for (auto next = left.begin(); next != left.end();) {
    const ssize_t result = ::writev(file, &*next, static_cast<int>(left.end() - next));
    if (result < 0 && errno == EINTR) continue;
    if (result < 0) throw system_failure("cannot write to the spool");
    auto written = static_cast<std::size_t>(result);
    for (; next != left.end() && written >= next->iov_len; ++next) written -= next->iov_len;
    if (next == left.end()) return;
    next->iov_base = static_cast<char*>(next->iov_base) + written;
    next->iov_len -= written;
  }
}

class SystemFiles final : public Files {
 public:
  Descriptor create(int directory, const std::string& name) override {
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    Descriptor file(::openat(directory, name.c_str(), flags, 0600));
    if (!file) throw system_failure("cannot create " + name);
    return file;
  }

  void append(int file, std::initializer_list<std::string_view> parts) override {
    write_all(file, parts);
  }

  void reserve(int file, std::uint64_t length) override {
    // Gives the error instead of setting errno.
    errno = ::posix_fallocate(file, 0, static_cast<off_t>(length));
    if (errno != 0) throw system_failure("cannot reserve space in the state directory");
  }

  void truncate(int file, std::uint64_t length) override {
    if (::ftruncate(file, static_cast<off_t>(length)) != 0)
      throw system_failure("cannot cut a spool segment back");
  }

  void sync(int file) override {
    if (::fdatasync(file) != 0) throw system_failure("cannot sync a file");
  }

  void sync_directory(int directory) override {
    if (::fsync(directory) != 0) throw system_failure("cannot sync a directory");
  }

  void remove(int directory, const std::string& name) override {
    if (::unlinkat(directory, name.c_str(), 0) != 0 && errno != ENOENT)
      throw system_failure("cannot remove " + name);
  }
};

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (number_ >= 0) ::close(number_);
    number_ = other.release();
  }
  return *this;
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

int Descriptor::release() noexcept { return std::exchange(number_, -1); }

Files& system_files() {
  static SystemFiles files;
  return files;
}

}  // namespace ecrelay::store

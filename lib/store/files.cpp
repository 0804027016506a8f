#include "store/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace ecrelay::store {
namespace {

void write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw system_failure("cannot write to the spool");
    bytes.remove_prefix(static_cast<std::size_t>(written));
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
    for (const std::string_view part : parts) write_all(file, part);
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

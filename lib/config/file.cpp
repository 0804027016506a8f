#include "config/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace ecrelay::config {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }

  int get() const { return fd_; }

 private:
  int fd_;
};

Error failure() { return unavailable(std::generic_category().message(errno)); }

/// Reads straight into one allocation of the file's size: a secret leaves no copies behind.
Result<std::string> read_all(int fd, std::size_t size) {
  std::string text(size, '\0');
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t count = read(fd, text.data() + filled, size - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failure();
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  text.resize(filled);
  return text;
}

}  // namespace

Result<ReadFile> read_file(const std::filesystem::path& path, std::size_t largest) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  ReadFile result{};
  if (file.get() < 0 || fstat(file.get(), &result.status) != 0) return failure();
  if (!S_ISREG(result.status.st_mode)) return refused("not a regular file");
  const auto size = static_cast<std::size_t>(result.status.st_size);
  if (size > largest) {
    return refused("larger than " + std::to_string(largest / 1024) + " KiB");
  }
  auto text = read_all(file.get(), size);
  if (!text) return text.error();
  result.text = *std::move(text);
  return result;
}

}  // namespace ecrelay::config

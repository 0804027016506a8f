#include "log/target_sink.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "log/line.h"

namespace ecrelay::log {
namespace {

constexpr std::string_view file_prefix = "file:";
constexpr int patience_ms = 1000;

int open_to_append(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

std::string words_of(int error) {
  std::array<char, 256> buffer{};
  return ::strerror_r(error, buffer.data(), buffer.size());
}

bool can_wait_for(int fd) {
  pollfd ready{fd, POLLOUT, 0};
  return ::poll(&ready, 1, patience_ms) == 1;
}

}  // namespace

Result<std::shared_ptr<TargetSink>> TargetSink::open(const Options& options) {
  if (options.target == "stdout") {
    return std::make_shared<TargetSink>(STDOUT_FILENO, "", options);
  }
  if (!options.target.starts_with(file_prefix) || options.target.size() == file_prefix.size()) {
    return invalid("log target is neither stdout nor file:PATH: " + options.target);
  }
  const std::string path = options.target.substr(file_prefix.size());
  const int fd = open_to_append(path);
  if (fd < 0) return unavailable("cannot open log file " + path + ": " + words_of(errno));
  return std::make_shared<TargetSink>(fd, path, options);
}

TargetSink::TargetSink(int fd, std::string path, const Options& options)
    : fd_(fd), path_(std::move(path)), options_(options), format_(options.format) {}

TargetSink::~TargetSink() {
  if (!path_.empty()) ::close(fd_);
}

Options TargetSink::options() const {
  Options options = options_;
  options.format = format_.load();
  return options;
}

void TargetSink::sink_it_(const spdlog::details::log_msg& message) {
  reopen_if_asked();
  tell_losses();
  if (!put({message.payload.data(), message.payload.size()})) ++failed_;
}

void TargetSink::reopen_if_asked() {
  if (!reopen_.exchange(false) || path_.empty()) return;
  const int fresh = open_to_append(path_);
  if (fresh < 0) {
    put(Line(Event::log_lost, options())
            .add_number("lines", 0)
            .add("text", "cannot reopen " + path_ + ": " + words_of(errno))
            .text());
    return;
  }
  ::close(fd_);
  fd_ = fresh;
  torn_ = false;
}

void TargetSink::tell_losses() {
  const std::size_t lost = failed_ + (dropped_ ? dropped_() : 0);
  if (lost == told_) return;
  Line line(Event::log_lost, options());
  line.add_number("lines", lost - told_).add("text", problem_.empty() ? "queue full" : problem_);
  if (!put(line.text())) return;
  told_ = lost;
  problem_.clear();
}

bool TargetSink::put(std::string_view line) {
  std::string bytes = torn_ ? "\n" : "";
  bytes.append(line).append("\n");
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::write(fd_, bytes.data() + done, bytes.size() - done);
    if (count >= 0) {
      done += static_cast<std::size_t>(count);
    } else if (errno != EINTR && !(errno == EAGAIN && can_wait_for(fd_))) {
      problem_ = words_of(errno);
      torn_ = torn_ || done > 0;
      return false;
    }
  }
  torn_ = false;
  return true;
}

}  // namespace ecrelay::log

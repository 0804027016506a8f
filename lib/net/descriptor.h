#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <string_view>

#include "net/awaitable.h"
#include "net/io_error.h"

namespace ecrelay::net {

/// A non-blocking descriptor whose readiness can be awaited, under one deadline. Reads and writes
/// are plain system calls of the owner; this only waits.
class Descriptor : public std::enable_shared_from_this<Descriptor> {
 public:
  enum class Until { readable, writable };

  /// Owns `fd` from here on. Use through a shared_ptr.
  Descriptor(asio::any_io_executor executor, int fd);
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int fd() const { return fd_; }  ///< -1 when closed
  const asio::any_io_executor& executor() const { return executor_; }
  void close() noexcept;
  int release();  ///< hands the descriptor over, still open

  /// One variable; one timer watches it and is touched only when the deadline comes nearer than
  /// what it was set for.
  void set_deadline(Deadline at);

  /// Throws IoError when an operation cannot begin: closed, past the deadline, or `stopped`.
  void check(bool stopped) const;
  /// Waits; throws IoError as check() does, but what is ready when the deadline passes is taken.
  /// `stoppable`: a stop request to the task ends it.
  asio::awaitable<void> ready(Until until, bool stoppable);
  /// To be called after an operation that did not have to wait: gives way to other tasks every few
  /// times, so that a peer who always has data does not hold the thread.
  asio::awaitable<void> give_way();
  bool owes_way() { return ++unwaited_ % 16 == 0; }

 private:
  bool late() const;
  bool is_ready(Until until) const;
  void check(bool late, bool stopped) const;
  void rest();
  void watch();
  void expire(Deadline armed_for);

  asio::any_io_executor executor_;
  asio::posix::stream_descriptor handle_;
  asio::steady_timer timer_;
  int fd_;
  Deadline deadline_ = no_deadline;
  Deadline armed_for_ = no_deadline;
  unsigned unwaited_ = 0;
};

/// The IoError for an errno of a socket call.
[[noreturn]] void throw_errno(std::string_view operation, int error);

}  // namespace ecrelay::net

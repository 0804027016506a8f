#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "net/stream.h"

namespace ecrelay::net {

/// Who is at the other end of a Unix socket, as the kernel says (SO_PEERCRED at connect).
struct Credentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

/// A connection over a Unix socket that speaks lines.
class LocalStream {
 public:
  explicit LocalStream(Stream stream);

  const Credentials& peer() const { return peer_; }
  /// The next line without its LF, or nothing at the end (an unfinished last line is dropped). A
  /// line longer than `limit` bytes throws IoError(closed).
  asio::awaitable<std::optional<std::string>> read_line(std::size_t limit = 1024 * 1024);
  asio::awaitable<void> write(std::string_view text);
  /// Deadline, stop behaviour, closing.
  Stream& stream() { return stream_; }

 private:
  Stream stream_;
  Credentials peer_;
  std::string buffer_;
  std::size_t searched_ = 0;
};

/// The other side, for tools and tests. Errors: not_found (no such socket), refused (no
/// permission), unavailable (nobody listens, deadline).
asio::awaitable<Result<LocalStream>> connect_local(std::string path, Deadline deadline);

/// A listening Unix socket, mode 0660 from its first moment. A socket file left by a dead process
/// is replaced; one on which somebody listens is not (conflict), nor is anything that is not a
/// socket. The file is removed by stop() when it is still ours.
class UnixListener {
 public:
  using Handler = std::function<void(LocalStream)>;
  using Complaint = std::function<void(const std::string& reason)>;

  static Result<UnixListener> open(asio::any_io_executor executor, const std::string& path);
  UnixListener(UnixListener&&) noexcept;
  UnixListener& operator=(UnixListener&&) noexcept;
  ~UnixListener();

  /// As Listener::serve.
  asio::awaitable<void> serve(Handler handler, Complaint complaint);
  void stop();

 private:
  struct State;
  explicit UnixListener(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace ecrelay::net

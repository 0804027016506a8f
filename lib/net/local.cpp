#include "net/local.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "net/acceptor.h"
#include "net/sockaddr.h"

namespace ecrelay::net {

namespace {

constexpr mode_t socket_mode = 0660;

Error failure(const std::string& path, int error) {
  const std::string detail = path + ": " + std::strerror(error);
  switch (error) {
    case ENOENT:
      return not_found(detail);
    case EACCES:
    case EPERM:
      return refused(detail);
    default:
      return unavailable(detail);
  }
}

Result<SocketAddress> address_of(const std::string& path) {
  SocketAddress address{};
  address.storage = {};
  address.local.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.local.sun_path) {
    return invalid("not a path for a socket (1 to 107 bytes): " + path);
  }
  path.copy(address.local.sun_path, path.size());
  return address;
}

int new_socket() { return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

/// 0 when somebody listens there, else the errno of trying.
int knock(const SocketAddress& address) {
  const int fd = new_socket();
  const int error = ::connect(fd, &address.any, size_of(address)) == 0 ? 0 : errno;
  ::close(fd);
  return error;
}

/// Makes way for a new socket: nothing there, or what a dead process left behind.
Result<void> clear_way(const std::string& path, const SocketAddress& address) {
  struct stat there {};
  if (lstat(path.c_str(), &there) != 0) {
    if (errno == ENOENT) return {};
    return failure(path, errno);
  }
  if (!S_ISSOCK(there.st_mode)) return conflict(path + " is there and is not a socket");
  const int error = knock(address);
  // EAGAIN: its queue is full, so somebody owns it.
  if (error == 0 || error == EAGAIN) return conflict("somebody listens on " + path + " already");
  if (error != ECONNREFUSED) return failure(path, error);
  if (unlink(path.c_str()) != 0) return failure(path, errno);
  return {};
}

int bring_up(int fd, const std::string& path, const SocketAddress& address) {
  // Linux gives the file the mode of the unbound socket (less the umask), so it is never wider.
  if (fchmod(fd, socket_mode) != 0) return errno;
  if (bind(fd, &address.any, size_of(address)) != 0) return errno;
  if (chmod(path.c_str(), socket_mode) != 0) return errno;
  return listen(fd, SOMAXCONN) == 0 ? 0 : errno;
}

Credentials credentials_of(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  Credentials credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) {
    credentials.pid = peer.pid;
    credentials.uid = peer.uid;
    credentials.gid = peer.gid;
  }
  return credentials;
}

}  // namespace

LocalStream::LocalStream(Stream stream)
    : stream_(std::move(stream)), peer_(credentials_of(stream_.native_handle())) {}

asio::awaitable<std::optional<std::string>> LocalStream::read_line(std::size_t limit) {
  std::array<char, 4096> chunk;
  for (;;) {
    const std::size_t end = buffer_.find('\n', searched_);
    if (std::min(end, buffer_.size()) > limit) {
      throw IoError(Trouble::closed, "line too long",
                    std::make_error_code(std::errc::message_size));
    }
    if (end != std::string::npos) {
      std::optional<std::string> line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      searched_ = 0;
      co_return line;
    }
    searched_ = buffer_.size();
    const std::size_t got = co_await stream_.read_some(chunk);
    if (got == 0) co_return std::nullopt;
    buffer_.append(chunk.data(), got);
  }
}

asio::awaitable<void> LocalStream::write(std::string_view text) { return stream_.write(text); }

asio::awaitable<Result<LocalStream>> connect_local(std::string path, Deadline deadline) {
  const auto executor = co_await asio::this_coro::executor;
  const auto address = address_of(path);
  if (!address) co_return address.error();
  Stream stream(executor, new_socket());
  // A Unix socket connects at once or not at all; the deadline is for what follows.
  if (::connect(stream.native_handle(), &address->any, size_of(*address)) != 0) {
    co_return failure(path, errno);
  }
  stream.set_deadline(deadline);
  co_return LocalStream(std::move(stream));
}

struct UnixListener::State {
  State(asio::any_io_executor executor, int socket, std::string at)
      : acceptor(std::move(executor), socket), path(std::move(at)) {
    lstat(path.c_str(), &file);
  }

  void stop() {
    if (acceptor.fd() < 0) return;
    struct stat there {};
    if (lstat(path.c_str(), &there) == 0 && there.st_ino == file.st_ino &&
        there.st_dev == file.st_dev) {
      unlink(path.c_str());
    }
    acceptor.stop();
  }

  Acceptor acceptor;
  std::string path;
  struct stat file {};
};

Result<UnixListener> UnixListener::open(asio::any_io_executor executor, const std::string& path) {
  const auto address = address_of(path);
  if (!address) return address.error();
  if (const auto clear = clear_way(path, *address); !clear) return clear.error();
  const int fd = new_socket();
  if (fd < 0) return failure(path, errno);
  if (const int error = bring_up(fd, path, *address)) {
    ::close(fd);
    return error == EADDRINUSE ? conflict(path + " is taken") : failure(path, error);
  }
  return UnixListener(std::make_shared<State>(std::move(executor), fd, path));
}

UnixListener::UnixListener(std::shared_ptr<State> state) : state_(std::move(state)) {}
UnixListener::UnixListener(UnixListener&&) noexcept = default;
UnixListener& UnixListener::operator=(UnixListener&& other) noexcept {
  if (state_ && state_ != other.state_) stop();
  state_ = std::move(other.state_);
  return *this;
}
UnixListener::~UnixListener() {
  if (state_) stop();
}

void UnixListener::stop() { state_->stop(); }

asio::awaitable<void> UnixListener::serve(Handler handler, Complaint complaint) {
  const auto executor = state_->acceptor.executor();
  return Acceptor::serve(
      state_->acceptor.socket(),
      [handler = std::move(handler), executor](int socket, const SocketAddress&) {
        handler(LocalStream(Stream(executor, socket)));
      },
      std::move(complaint));
}

}  // namespace ecrelay::net

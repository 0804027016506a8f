#include "net/connect.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "net/descriptor.h"
#include "net/sockaddr.h"

namespace ecrelay::net {

namespace {

Error failed(const Endpoint& to, int error) {
  return unavailable("connect to " + to.text() + ": " + std::strerror(error));
}

int pending_error(int socket) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

}  // namespace

asio::awaitable<Result<Stream>> connect(Endpoint to, Deadline deadline) {
  const auto executor = co_await asio::this_coro::executor;
  const int family = to.address.is_v4() ? AF_INET : AF_INET6;
  const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return failed(to, errno);
  const auto attempt = std::make_shared<Descriptor>(executor, fd);
  const SocketAddress address = to_socket_address(to);
  if (::connect(fd, &address.any, size_of(address)) != 0) {
    if (errno != EINPROGRESS) co_return failed(to, errno);
    attempt->set_deadline(deadline);
    try {
      co_await attempt->ready(Descriptor::Until::writable, true);
    } catch (const IoError& error) {
      if (!error.timed_out()) throw;
      co_return failed(to, ETIMEDOUT);
    }
    if (const int error = pending_error(fd)) co_return failed(to, error);
  }
  co_return Stream(executor, attempt->release());
}

}  // namespace ecrelay::net

#include "net/acceptor.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "net/task_group.h"
#include "net/timer.h"

namespace ecrelay::net {

namespace {

constexpr std::chrono::milliseconds pause_when_short{100};

/// Not a fault of ours: the connection died in the queue, or its network did (accept(2), "treat
/// them like EAGAIN by retrying").
bool concerns_one_connection(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case EPERM:
      return true;
    default:
      return false;
  }
}

}  // namespace

Acceptor::Acceptor(asio::any_io_executor executor, int socket)
    : socket_(std::make_shared<Descriptor>(std::move(executor), socket)) {
  fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
}

asio::awaitable<void> Acceptor::serve(std::shared_ptr<Descriptor> socket, Handler handler,
                                      Complaint complaint) {
  bool complained = false;
  try {
    for (;;) {
      SocketAddress peer{};
      socklen_t size = sizeof peer;
      const int accepted = accept4(socket->fd(), &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      const int error = errno;
      if (accepted >= 0) {
        complained = false;
        handler(accepted, peer);
        if (socket->owes_way()) co_await socket->give_way();
        socket->check(co_await stop_requested());
      } else if (error == EAGAIN) {
        co_await socket->ready(Descriptor::Until::readable, true);
      } else if (!concerns_one_connection(error)) {
        // Out of descriptors or memory: the queue stays readable, so only time can tell.
        if (!complained) complaint(std::string("accept: ") + std::strerror(error));
        complained = true;
        co_await sleep_until(after(pause_when_short));
        socket->check(false);
      }
    }
  } catch (const IoError& error) {
    if (!error.stopped() && error.trouble() != Trouble::closed) throw;
  }
}

}  // namespace ecrelay::net

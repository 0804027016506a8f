#include "net/listener.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/acceptor.h"
#include "net/sockaddr.h"

namespace ecrelay::net {

namespace {

Error failure(const Endpoint& at, int error) {
  const std::string detail = "listen on " + at.text() + ": " + std::strerror(error);
  switch (error) {
    case EADDRINUSE:
      return conflict(detail);
    case EACCES:
    case EPERM:
      return refused(detail);
    default:
      return unavailable(detail);
  }
}

void set_option(int socket, int level, int option, int value) {
  setsockopt(socket, level, option, &value, sizeof value);
}

/// Binds and listens; an errno when that fails.
int bring_up(int socket, const Endpoint& at, int backlog) {
  set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);
  const SocketAddress address = to_socket_address(at);
  if (!at.address.is_v4()) {
    const bool any = at.address == *IpAddress::parse("::");
    set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, any ? 0 : 1);
  }
  if (bind(socket, &address.any, size_of(address)) != 0) return errno;
  return listen(socket, backlog) == 0 ? 0 : errno;
}

bool is_listening(int socket) {
  int listening = 0;
  socklen_t size = sizeof listening;
  return getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0;
}

}  // namespace

struct Listener::State {
  State(asio::any_io_executor executor, int socket, Options chosen)
      : acceptor(std::move(executor), socket), options(chosen), local(local_endpoint(socket)) {}

  Acceptor acceptor;
  Options options;
  Endpoint local;
};

Result<Listener> Listener::open(asio::any_io_executor executor, Endpoint at, Options options) {
  const int family = at.address.is_v4() ? AF_INET : AF_INET6;
  const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return failure(at, errno);
  if (const int error = bring_up(fd, at, options.backlog)) {
    ::close(fd);
    return failure(at, error);
  }
  return Listener(std::make_shared<State>(std::move(executor), fd, options));
}

Result<Listener> Listener::adopt(asio::any_io_executor executor, int socket, Options options) {
  if (!is_listening(socket)) {
    return invalid("inherited descriptor " + std::to_string(socket) + " is not a listening socket");
  }
  return Listener(std::make_shared<State>(std::move(executor), socket, options));
}

Listener::Listener(std::shared_ptr<State> state) : state_(std::move(state)) {}
Listener::Listener(Listener&&) noexcept = default;
Listener& Listener::operator=(Listener&& other) noexcept {
  if (state_ && state_ != other.state_) stop();
  state_ = std::move(other.state_);
  return *this;
}
Listener::~Listener() {
  if (state_) stop();
}

const Endpoint& Listener::local() const { return state_->local; }
int Listener::native_handle() const { return state_->acceptor.fd(); }
void Listener::stop() { state_->acceptor.stop(); }

asio::awaitable<void> Listener::serve(Handler handler, Complaint complaint) {
  const bool quickack = state_->options.quickack;
  const auto executor = state_->acceptor.executor();
  return Acceptor::serve(
      state_->acceptor.socket(),
      [handler = std::move(handler), executor, quickack](int socket, const SocketAddress& peer) {
        Stream stream(executor, socket, to_endpoint(peer));
        stream.set_quickack(quickack);
        handler(std::move(stream));
      },
      std::move(complaint));
}

}  // namespace ecrelay::net

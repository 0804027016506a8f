#include "net/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "net/descriptor.h"
#include "net/sockaddr.h"
#include "net/tls_session.h"

namespace ecrelay::net {

namespace {

constexpr std::size_t record_size = 16 * 1024;  // the largest TLS record (RFC 8446 5.1)

/// Pieces still to be written, as sendmsg takes them.
class Gather {
 public:
  explicit Gather(std::span<const std::string_view> pieces) : pieces_(pieces) { skip_empty(); }
  bool done() const { return pieces_.empty(); }

  msghdr message() {
    std::size_t count = 0;
    for (const std::string_view piece : pieces_.first(std::min(pieces_.size(), vectors_.size()))) {
      const std::size_t skip = count == 0 ? offset_ : 0;
      vectors_[count++] = {const_cast<char*>(piece.data()) + skip, piece.size() - skip};
    }
    msghdr message{};
    message.msg_iov = vectors_.data();
    message.msg_iovlen = count;
    return message;
  }

  void advance(std::size_t written) {
    offset_ += written;
    while (!pieces_.empty() && offset_ >= pieces_.front().size()) {
      offset_ -= pieces_.front().size();
      pieces_ = pieces_.subspan(1);
    }
  }

 private:
  void skip_empty() { advance(0); }

  std::span<const std::string_view> pieces_;
  std::size_t offset_ = 0;
  std::array<iovec, 64> vectors_;
};

}  // namespace

struct Stream::State {
  State(asio::any_io_executor executor, int fd, Endpoint peer)
      : socket(std::make_shared<Descriptor>(std::move(executor), fd)),
        remote(std::move(peer)),
        local(local_endpoint(fd)) {}

  /// Before a wait for more. Where something was written since the last read the acknowledgement
  /// went with it, and one by itself would be a packet for nothing.
  void acknowledge() {
    if (!quickack || !std::exchange(unanswered, false)) return;
    const int on = 1;
    setsockopt(socket->fd(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
  }

  asio::awaitable<std::size_t> read_plain(std::span<char> buffer);
  asio::awaitable<void> write_plain(std::span<const std::string_view> pieces);
  asio::awaitable<void> write_records(std::span<const std::string_view> pieces);
  asio::awaitable<void> handshake(bool verifying);

  std::shared_ptr<Descriptor> socket;
  std::unique_ptr<TlsSession> session;
  TlsInfo info;
  Endpoint remote;
  Endpoint local;
  bool quickack = false;
  bool unanswered = false;  // read from, and nothing written since
  bool stoppable = true;
  bool secure = false;
};

asio::awaitable<std::size_t> Stream::State::read_plain(std::span<char> buffer) {
  for (;;) {
    const ssize_t got = recv(socket->fd(), buffer.data(), buffer.size(), 0);
    if (got >= 0) {
      if (socket->owes_way()) co_await socket->give_way();
      co_return static_cast<std::size_t>(got);
    }
    if (errno == EAGAIN) {
      acknowledge();
      co_await socket->ready(Descriptor::Until::readable, stoppable);
    } else if (errno != EINTR) {
      throw_errno("read", errno);
    }
  }
}

asio::awaitable<void> Stream::State::write_plain(std::span<const std::string_view> pieces) {
  for (Gather gather(pieces); !gather.done();) {
    const msghdr message = gather.message();
    const ssize_t put = sendmsg(socket->fd(), &message, MSG_NOSIGNAL);
    if (put >= 0) {
      gather.advance(static_cast<std::size_t>(put));
      if (socket->owes_way()) co_await socket->give_way();
    } else if (errno == EAGAIN) {
      co_await socket->ready(Descriptor::Until::writable, false);
    } else if (errno != EINTR) {
      throw_errno("write", errno);
    }
  }
}

asio::awaitable<void> Stream::State::write_records(std::span<const std::string_view> pieces) {
  std::string record;
  for (std::string_view piece : pieces) {
    while (!piece.empty()) {
      if (record.empty() && piece.size() >= record_size) {
        const std::size_t whole = piece.size() - piece.size() % record_size;
        co_await session->write(piece.substr(0, whole));
        piece.remove_prefix(whole);
        continue;
      }
      const std::string_view part = piece.substr(0, record_size - record.size());
      record += part;
      piece.remove_prefix(part.size());
      if (record.size() < record_size) continue;
      co_await session->write(record);
      record.clear();
    }
  }
  co_await session->write(record);
}

Stream::Stream(asio::any_io_executor executor, int socket)
    : Stream(std::move(executor), socket, remote_endpoint(socket)) {}
Stream::Stream(asio::any_io_executor executor, int socket, Endpoint peer)
    : state_(std::make_shared<State>(std::move(executor), socket, std::move(peer))) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // a Unix socket refuses, rightly
}

Stream::Stream(Stream&& other) noexcept = default;
Stream& Stream::operator=(Stream&& other) noexcept {
  if (state_ && state_ != other.state_) abort();
  state_ = std::move(other.state_);
  return *this;
}
Stream::~Stream() {
  if (state_) abort();
}

asio::awaitable<std::size_t> Stream::read_some(std::span<char> buffer) {
  const auto state = state_;
  const auto stop = co_await asio::this_coro::cancellation_state;
  state->socket->check(state->stoppable && stop.cancelled() != asio::cancellation_type::none);
  std::size_t got = 0;
  if (state->secure) {
    state->acknowledge();
    got = co_await state->session->read_some(buffer, state->stoppable);
  } else {
    got = co_await state->read_plain(buffer);
  }
  state->unanswered = true;
  co_return got;
}

asio::awaitable<void> Stream::write(std::string_view text) {
  const std::array<std::string_view, 1> pieces = {text};
  co_await write(std::span<const std::string_view>(pieces));
}

asio::awaitable<void> Stream::write(std::span<const std::string_view> pieces) {
  const auto state = state_;
  state->socket->check(false);
  state->unanswered = false;
  if (state->secure) {
    co_await state->write_records(pieces);
  } else {
    co_await state->write_plain(pieces);
  }
}

asio::awaitable<void> Stream::State::handshake(bool verifying) {
  try {
    co_await session->handshake(stoppable);
  } catch (...) {
    // Whoever catches this must not go on in clear on a connection that failed to become secure.
    socket->close();
    throw;
  }
  info = session->info(verifying);
  secure = true;
  unanswered = true;
}

asio::awaitable<void> Stream::handshake(TlsServer tls) {
  const auto state = state_;
  state->socket->check(false);
  state->session = TlsSession::server(tls.context_.get(), *state->socket);
  co_await state->handshake(tls.verifies_);
}

asio::awaitable<void> Stream::handshake(TlsClient tls, std::string host) {
  const auto state = state_;
  state->socket->check(false);
  state->session = TlsSession::client(tls.context_.get(), *state->socket, host);
  co_await state->handshake(tls.verifies());
}

bool Stream::secure() const { return state_->secure; }
const TlsInfo& Stream::tls() const { return state_->info; }
void Stream::set_deadline(Deadline at) { state_->socket->set_deadline(at); }
void Stream::set_stoppable(bool stoppable) { state_->stoppable = stoppable; }
void Stream::set_quickack(bool on) { state_->quickack = on; }

asio::awaitable<void> Stream::close(std::chrono::milliseconds linger) {
  if (!is_open()) co_return;
  const auto state = state_;
  state->socket->set_deadline(after(linger));
  state->stoppable = false;
  if (state->session) state->session->say_goodbye();
  shutdown(state->socket->fd(), SHUT_WR);
  try {
    std::array<char, 2048> dropped;
    for (;;) {
      const std::size_t count = co_await state->read_plain(dropped);
      if (count == 0) break;
      state->socket->check(false);
    }
  } catch (const IoError&) {
    // Gone or too slow: either way there is nobody left to be polite to.
  }
  abort();
}

void Stream::dismiss(std::string_view text) noexcept {
  if (is_open()) send(state_->socket->fd(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  abort();
}

void Stream::abort() noexcept { state_->socket->close(); }
bool Stream::is_open() const { return state_ && state_->socket->fd() >= 0; }
const Endpoint& Stream::remote() const { return state_->remote; }
const Endpoint& Stream::local() const { return state_->local; }
asio::any_io_executor Stream::executor() const { return state_->socket->executor(); }
int Stream::native_handle() const { return state_->socket->fd(); }

}  // namespace ecrelay::net

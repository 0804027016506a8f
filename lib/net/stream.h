#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/awaitable.h"
#include "net/endpoint.h"
#include "net/io_error.h"
#include "net/tls.h"

namespace ecrelay::net {

/// One connection, plain or TLS, either role. The coroutine that owns it uses it alone: one
/// operation at a time, on the executor's one thread. Failures throw IoError. Like all of this
/// module that holds sockets or timers, it must not outlive the io_context.
///
/// It keeps no buffer: reads go where the caller says, so an idle plain connection with its reading
/// task costs about 2 KiB (measured), and nothing read in clear can survive a handshake inside it
/// (the caller's own buffer must be empty before handshake(): STARTTLS injection, CVE-2011-0411).
/// Operations that can be done at once do not suspend, but a connection that is always ready gives
/// way to others every few operations.
class Stream {
 public:
  /// Takes a connected, non-blocking socket over. TCP_NODELAY is set on TCP sockets.
  Stream(asio::any_io_executor executor, int socket);
  /// As accept(2) named the peer: a socket whose peer has reset it does not know him any more.
  Stream(asio::any_io_executor executor, int socket, Endpoint peer);
  Stream(Stream&& other) noexcept;
  Stream& operator=(Stream&& other) noexcept;
  ~Stream();  ///< as abort()

  /// At least one byte into `buffer` (not empty), or 0 at the end of the stream. With TLS the end
  /// is only close_notify; a connection cut off without it is Trouble::closed.
  asio::awaitable<std::size_t> read_some(std::span<char> buffer);
  /// All of it. The text must outlive the operation.
  asio::awaitable<void> write(std::string_view text);
  /// All pieces in order, without copying them together in clear (sendmsg of many pieces); TLS
  /// coalesces small pieces into records of up to 16 KiB. Array and texts must outlive the
  /// operation.
  asio::awaitable<void> write(std::span<const std::string_view> pieces);

  /// Server and client side of TLS on this connection. A failure closes it: nothing can go on in
  /// clear where TLS was wanted.
  asio::awaitable<void> handshake(TlsServer tls);
  /// `host` is the name sent as SNI and, by a verifying client, demanded of the certificate.
  asio::awaitable<void> handshake(TlsClient tls, std::string host);
  bool secure() const;
  /// What the handshake agreed on; all empty while not secure().
  const TlsInfo& tls() const;

  /// From `at` on, the pending operation and every later one fail with Trouble::timed_out, until
  /// another deadline is set. Costs one store and a compare: one timer per connection watches one
  /// variable (STYLE "Deadlines"). After timed_out a new deadline and a write are possible: a
  /// session can still say 421.
  void set_deadline(Deadline at);
  void clear_deadline() { set_deadline(no_deadline); }

  /// Whether a stop request to this task (TaskGroup) ends reads and handshakes: true at first.
  /// While false they go on, and the first one after it is true again throws Trouble::stopped. Set
  /// to false where an unread answer would be in doubt. Writes and close() are never stopped, the
  /// deadline bounds them.
  void set_stoppable(bool stoppable);

  /// TCP_QUICKACK re-armed before every wait for more of what was read and not answered: the kernel
  /// forgets it, and a client with Nagle on that writes in lines stalls 42 ms a mail without it
  /// (DESIGN "Facts"). A reply takes the acknowledgement along. On for accepted connections, off
  /// for others.
  void set_quickack(bool on);

  /// Says goodbye: close_notify, end of our side, then reads and drops what still comes until the
  /// peer ends too, for at most `linger`: closing with unread input would make the kernel send a
  /// reset, which can destroy our last reply on its way. Never throws; not open afterwards.
  asio::awaitable<void> close(std::chrono::milliseconds linger = std::chrono::seconds(1));
  /// Sends as much of `text` as can be sent without waiting, and closes: for those who are turned
  /// away in a flood. In clear only.
  void dismiss(std::string_view text) noexcept;
  /// Closes at once.
  void abort() noexcept;
  bool is_open() const;

  /// The two ends as they were when the connection was made (0.0.0.0:0 for a Unix socket).
  const Endpoint& remote() const;
  const Endpoint& local() const;
  asio::any_io_executor executor() const;
  /// The socket, for options and tests; still owned by the stream. -1 when not open.
  int native_handle() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace ecrelay::net

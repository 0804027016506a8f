#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/result.h"
#include "net/stream.h"

namespace ecrelay::net {

/// A listening TCP socket and its accept loop.
class Listener {
 public:
  struct Options {
    int backlog = 4096;    ///< the kernel caps it at net.core.somaxconn
    bool quickack = true;  ///< Stream::set_quickack of accepted connections
  };
  /// Must not block and should not throw; an exception ends serve().
  using Handler = std::function<void(Stream)>;
  /// Told once when accepting begins to fail (no descriptors, no memory), with the reason; told
  /// again only after a connection was accepted in between.
  using Complaint = std::function<void(const std::string& reason)>;
  /// Where a listener for an address comes from.
  using Source = std::function<Result<Listener>(const Endpoint& at)>;

  /// SO_REUSEADDR; an IPv6 socket is IPv6-only except "::", which serves IPv4 too (peers then
  /// appear as IPv4). Port 0 takes a free one: see local(). Errors: conflict when the address is
  /// taken, refused without permission, unavailable otherwise.
  static Result<Listener> open(asio::any_io_executor executor, Endpoint at, Options options);
  static Result<Listener> open(asio::any_io_executor executor, Endpoint at) {
    return open(std::move(executor), at, Options());
  }
  /// Takes over a listening socket that was inherited (systemd socket activation). The kernel's
  /// backlog is left as it is.
  static Result<Listener> adopt(asio::any_io_executor executor, int socket, Options options);
  static Result<Listener> adopt(asio::any_io_executor executor, int socket) {
    return adopt(std::move(executor), socket, Options());
  }

  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) noexcept;
  ~Listener();

  /// The address really bound.
  const Endpoint& local() const;
  /// The listening socket, to hand it on to a successor; still owned here.
  int native_handle() const;

  /// Accepts until stop() or a stop request to its task, then returns. Runs through descriptor
  /// shortage: pauses 100 ms and tries again. Spawn it in a TaskGroup; the Listener outlives it or
  /// is destroyed (which stops it).
  asio::awaitable<void> serve(Handler handler, Complaint complaint);
  /// Closes the socket; serve() returns. Connections not yet accepted are reset by the kernel.
  void stop();

 private:
  struct State;
  explicit Listener(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace ecrelay::net

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/descriptor.h"
#include "net/sockaddr.h"

namespace ecrelay::net {

/// The accept loop of listening sockets, whatever their family.
class Acceptor {
 public:
  /// Owns the socket. `peer` is who connected, though he may have reset the connection since.
  using Handler = std::function<void(int socket, const SocketAddress& peer)>;
  using Complaint = std::function<void(const std::string& reason)>;

  /// Owns the listening socket, which it makes non-blocking.
  Acceptor(asio::any_io_executor executor, int socket);

  const asio::any_io_executor& executor() const { return socket_->executor(); }
  int fd() const { return socket_->fd(); }
  void stop() { socket_->close(); }

  /// Until stop() or a stop request. Runs on when this object goes.
  static asio::awaitable<void> serve(std::shared_ptr<Descriptor> socket, Handler handler,
                                     Complaint complaint);
  std::shared_ptr<Descriptor> socket() const { return socket_; }

 private:
  std::shared_ptr<Descriptor> socket_;
};

}  // namespace ecrelay::net

#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "net/endpoint.h"

namespace ecrelay::net {

/// An address as the socket calls want it: IPv4, IPv6 or a Unix path.
union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr_un local;
  sockaddr_storage storage;
};

SocketAddress to_socket_address(const Endpoint& endpoint);
socklen_t size_of(const SocketAddress& address);
/// 0.0.0.0:0 for anything but IPv4 and IPv6.
Endpoint to_endpoint(const SocketAddress& address);

Endpoint local_endpoint(int socket);
Endpoint remote_endpoint(int socket);

}  // namespace ecrelay::net

#include "net/sockaddr.h"

#include <algorithm>
#include <array>

namespace ecrelay::net {

SocketAddress to_socket_address(const Endpoint& endpoint) {
  SocketAddress address{};
  address.storage = {};
  const auto& bytes = endpoint.address.mapped();
  if (endpoint.address.is_v4()) {
    address.v4.sin_family = AF_INET;
    address.v4.sin_port = htons(endpoint.port);
    std::copy(bytes.begin() + 12, bytes.end(),
              reinterpret_cast<std::uint8_t*>(&address.v4.sin_addr));
  } else {
    address.v6.sin6_family = AF_INET6;
    address.v6.sin6_port = htons(endpoint.port);
    std::copy(bytes.begin(), bytes.end(), address.v6.sin6_addr.s6_addr);
  }
  return address;
}

socklen_t size_of(const SocketAddress& address) {
  switch (address.any.sa_family) {
    case AF_INET:
      return sizeof address.v4;
    case AF_INET6:
      return sizeof address.v6;
    default:
      return sizeof address.local;
  }
}

Endpoint to_endpoint(const SocketAddress& address) {
  if (address.any.sa_family == AF_INET) {
    std::array<std::uint8_t, 4> bytes{};
    const auto* from = reinterpret_cast<const std::uint8_t*>(&address.v4.sin_addr);
    std::copy_n(from, bytes.size(), bytes.begin());
    return Endpoint(IpAddress::v4(bytes), ntohs(address.v4.sin_port));
  }
  if (address.any.sa_family == AF_INET6) {
    std::array<std::uint8_t, 16> bytes{};
    std::copy_n(address.v6.sin6_addr.s6_addr, bytes.size(), bytes.begin());
    return Endpoint(IpAddress::v6(bytes), ntohs(address.v6.sin6_port));
  }
  return {};
}

Endpoint local_endpoint(int socket) {
  SocketAddress address{};
  socklen_t size = sizeof address;
  return getsockname(socket, &address.any, &size) == 0 ? to_endpoint(address) : Endpoint();
}

Endpoint remote_endpoint(int socket) {
  SocketAddress address{};
  socklen_t size = sizeof address;
  return getpeername(socket, &address.any, &size) == 0 ? to_endpoint(address) : Endpoint();
}

}  // namespace ecrelay::net

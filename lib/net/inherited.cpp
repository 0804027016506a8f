#include "net/inherited.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "net/sockaddr.h"

namespace ecrelay::net {

InheritedSockets::InheritedSockets(const std::vector<int>& sockets) {
  for (const int socket : sockets) sockets_.emplace(socket, local_endpoint(socket));
}

InheritedSockets::InheritedSockets(InheritedSockets&& other) noexcept
    : sockets_(std::exchange(other.sockets_, {})) {}

InheritedSockets& InheritedSockets::operator=(InheritedSockets&& other) noexcept {
  sockets_.swap(other.sockets_);
  return *this;
}

InheritedSockets::~InheritedSockets() {
  for (const auto& [socket, endpoint] : sockets_) ::close(socket);
}

std::optional<int> InheritedSockets::take(const Endpoint& at) {
  const auto found = std::find_if(sockets_.begin(), sockets_.end(), [&](const auto& each) {
    return each.second.address == at.address && (at.port == 0 || each.second.port == at.port);
  });
  if (found == sockets_.end()) return std::nullopt;
  const int socket = found->first;
  sockets_.erase(found);
  return socket;
}

std::vector<Endpoint> InheritedSockets::left() const {
  std::vector<Endpoint> endpoints;
  for (const auto& [socket, endpoint] : sockets_) endpoints.push_back(endpoint);
  return endpoints;
}

}  // namespace ecrelay::net

#pragma once

#include <map>
#include <optional>
#include <vector>

#include "net/endpoint.h"

namespace ecrelay::net {

/// Listening sockets that were handed to this process (systemd socket activation, a supervisor), to
/// be taken one by one. What nobody takes is closed with this object.
class InheritedSockets {
 public:
  InheritedSockets() = default;
  /// Descriptors that are open.
  explicit InheritedSockets(const std::vector<int>& sockets);
  InheritedSockets(InheritedSockets&& other) noexcept;
  InheritedSockets& operator=(InheritedSockets&& other) noexcept;
  ~InheritedSockets();

  /// The socket that listens on this address; port 0 stands for any port. The caller owns it.
  std::optional<int> take(const Endpoint& at);
  /// Where those listen that nobody took.
  std::vector<Endpoint> left() const;

 private:
  std::map<int, Endpoint> sockets_;
};

}  // namespace ecrelay::net

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/network.h"
#include "core/result.h"

namespace ecrelay::smtp {

/// The header that a load balancer puts in front of a connection to say whose it is (HAProxy's
/// "PROXY protocol", versions 1 and 2). A value: bytes in, the client out. It asks for no byte that
/// may belong to what follows the header.
///
///     while (header.wants() > 0) header.receive(read_at_most(header.wants()));
class ProxyHeader {
 public:
  /// At most so many bytes may be given next; 0: the header is over, or wrong.
  std::size_t wants() const;
  void receive(std::string_view bytes);

  /// Once nothing is wanted any more: the address of the client; nothing where the balancer speaks
  /// for itself (LOCAL, UNKNOWN). Invalid: this is no such header.
  const Result<std::optional<IpAddress>>& client() const { return client_; }

 private:
  void fail(std::string why);
  void finish(std::optional<IpAddress> client);
  void read_line();
  void read_binary();

  std::string bytes_;
  bool over_ = false;
  Result<std::optional<IpAddress>> client_ = std::optional<IpAddress>();
};

}  // namespace ecrelay::smtp

#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "net/local.h"

namespace ecrelay::control {

/// "taro(1000)", or "1000" for a user without a name. May ask a name service: not on the network
/// thread.
std::string user_name(uid_t uid);

/// Who is at the other end of the control socket.
struct Caller {
  net::Credentials credentials;
  std::vector<gid_t> groups;  ///< supplementary, as the kernel knows them
  /// Who logged in, where root is only what sudo made of them: the kernel keeps it through sudo and
  /// su (/proc/PID/loginuid). So two persons who are both root are still two.
  std::optional<uid_t> login;

  /// As user_name(); "taro(1000) as root(0)" for a root who logged in as somebody else.
  std::string actor() const;
  std::string origin() const;  ///< "socket uid=1000 pid=4242"
};

/// Reads the peer's groups from the kernel (SO_PEERGROUPS).
Caller caller_of(net::LocalStream& stream);

/// Root, the daemon's own user, and members of the socket's group.
bool may_control(const Caller& caller, uid_t daemon, gid_t socket_group);

}  // namespace ecrelay::control

#include "control/caller.h"

#include <pwd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>

namespace ecrelay::control {

std::string user_name(uid_t uid) {
  const std::string number = std::to_string(uid);
  std::array<char, 4096> space{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, space.data(), space.size(), &found) != 0 || !found) {
    return number;
  }
  return std::string(entry.pw_name) + "(" + number + ")";
}

std::string Caller::origin() const {
  return "socket uid=" + std::to_string(credentials.uid) +
         " pid=" + std::to_string(credentials.pid);
}

std::string Caller::actor() const {
  if (!login) return user_name(credentials.uid);
  return user_name(*login) + " as " + user_name(credentials.uid);
}

namespace {

std::optional<uid_t> login_of(const net::Credentials& peer) {
  if (peer.uid != 0) return std::nullopt;
  std::ifstream file("/proc/" + std::to_string(peer.pid) + "/loginuid");
  std::uint64_t login = 0;
  constexpr std::uint64_t nobody = 0xffffffff;  // a service, or a kernel without audit
  if (!(file >> login) || login >= nobody || login == peer.uid) return std::nullopt;
  return static_cast<uid_t>(login);
}

}  // namespace

Caller caller_of(net::LocalStream& stream) {
  Caller caller;
  caller.credentials = stream.peer();
  caller.login = login_of(caller.credentials);
  caller.groups.resize(65536);  // NGROUPS_MAX
  auto length = static_cast<socklen_t>(caller.groups.size() * sizeof(gid_t));
  const bool known = getsockopt(stream.stream().native_handle(), SOL_SOCKET, SO_PEERGROUPS,
                                caller.groups.data(), &length) == 0;
  caller.groups.resize(known ? length / sizeof(gid_t) : 0);
  caller.groups.shrink_to_fit();
  return caller;
}

bool may_control(const Caller& caller, uid_t daemon, gid_t socket_group) {
  const net::Credentials& peer = caller.credentials;
  return peer.uid == 0 || peer.uid == daemon || peer.gid == socket_group ||
         std::find(caller.groups.begin(), caller.groups.end(), socket_group) != caller.groups.end();
}

}  // namespace ecrelay::control

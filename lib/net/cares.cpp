#include "net/cares.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "net/sockaddr.h"

namespace ecrelay::net {

namespace {

void require(int status, const char* what) {
  if (status != ARES_SUCCESS) {
    throw std::runtime_error(std::string("resolver: ") + what + ": " + ares_strerror(status));
  }
}

void start_library() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  require(status, "c-ares");
}

/// A server as c-ares keeps it: the address in network order, the port as a number.
Endpoint endpoint_of(const ares_addr_port_node& node) {
  SocketAddress address{};
  if (node.family == AF_INET) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&address);
    v4->sin_family = AF_INET;
    v4->sin_addr = node.addr.addr4;
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address);
    v6->sin6_family = AF_INET6;
    std::copy_n(reinterpret_cast<const char*>(&node.addr.addr6), sizeof v6->sin6_addr,
                reinterpret_cast<char*>(&v6->sin6_addr));
  }
  const int port = node.udp_port == 0 ? 53 : node.udp_port;
  return Endpoint(to_endpoint(address).address, static_cast<std::uint16_t>(port));
}

}  // namespace

CaresChannel::CaresChannel(asio::any_io_executor executor, const Options& options)
    : executor_(executor), timer_(std::move(executor)) {
  start_library();
  ares_options settings{};
  settings.flags = options.flags;
  settings.timeout = static_cast<int>(options.timeout.count());
  settings.tries = options.tries;
  std::string lookups = options.hosts_file ? "fb" : "b";  // hosts file, then DNS
  settings.lookups = lookups.data();
  settings.sock_state_cb = [](void* self, ares_socket_t fd, int reads, int writes) {
    static_cast<CaresChannel*>(self)->watch(fd, reads != 0, writes != 0);
  };
  settings.sock_state_cb_data = this;
  require(ares_init_options(&channel_, &settings,
                            ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB),
          "start");
  std::string servers;
  for (const Endpoint& server : options.servers) servers += server.text() + ",";
  if (servers.empty()) return;
  servers.pop_back();
  const int status = ares_set_servers_ports_csv(channel_, servers.c_str());
  if (status != ARES_SUCCESS) ares_destroy(channel_);
  require(status, "servers");
}

CaresChannel::~CaresChannel() { ares_destroy(channel_); }

std::vector<Endpoint> CaresChannel::servers() const {
  ares_addr_port_node* first = nullptr;
  require(ares_get_servers_ports(channel_, &first), "servers");
  const std::unique_ptr<ares_addr_port_node, void (*)(void*)> owned(first, &ares_free_data);
  std::vector<Endpoint> servers;
  for (const ares_addr_port_node* node = first; node != nullptr; node = node->next) {
    servers.push_back(endpoint_of(*node));
  }
  return servers;
}

void CaresChannel::watch(int fd, bool reads, bool writes) {
  auto place = sockets_.find(fd);
  if (!reads && !writes) {
    if (place == sockets_.end()) return;
    place->second->handle.release();  // c-ares closes it
    sockets_.erase(place);
    return;
  }
  if (place == sockets_.end()) {
    place = sockets_.emplace(fd, std::make_shared<Watched>(executor_, fd)).first;
  }
  place->second->reading.wanted = reads;
  place->second->writing.wanted = writes;
  wait(fd, place->second, &Watched::reading);
  wait(fd, place->second, &Watched::writing);
}

void CaresChannel::wait(int fd, const std::shared_ptr<Watched>& watched, Direction direction) {
  Interest& interest = (*watched).*direction;
  if (!interest.wanted || interest.waiting) return;
  interest.waiting = true;
  const bool reads = direction == &Watched::reading;
  watched->handle.async_wait(
      reads ? asio::posix::descriptor_base::wait_read : asio::posix::descriptor_base::wait_write,
      [weak = weak_from_this(), watched, fd, direction, reads](const boost::system::error_code&) {
        const auto self = weak.lock();
        ((*watched).*direction).waiting = false;
        if (!self || !self->watches(fd, watched)) return;
        self->process(reads ? fd : ARES_SOCKET_BAD, reads ? ARES_SOCKET_BAD : fd);
        if (self->watches(fd, watched)) self->wait(fd, watched, direction);
      });
}

/// The number alone does not say: it may be another socket by now.
bool CaresChannel::watches(int fd, const std::shared_ptr<Watched>& watched) const {
  const auto place = sockets_.find(fd);
  return place != sockets_.end() && place->second == watched;
}

void CaresChannel::process(int readable, int writable) {
  ares_process_fd(channel_, readable, writable);
  watch_time();
}

void CaresChannel::watch_time() {
  timeval left{};
  if (ares_timeout(channel_, nullptr, &left) == nullptr) {
    timer_.cancel();
    return;
  }
  timer_.expires_after(std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec));
  timer_.async_wait([self = weak_from_this()](const boost::system::error_code& error) {
    const auto state = self.lock();
    if (state && !error) state->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  });
}

}  // namespace ecrelay::net

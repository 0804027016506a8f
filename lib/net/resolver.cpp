#include "net/resolver.h"

#include <ares.h>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <limits>
#include <map>
#include <stdexcept>
#include <unordered_map>

#include "core/text.h"
#include "net/answer.h"
#include "net/sockaddr.h"

namespace ecrelay::net {

namespace {

using Addresses = std::vector<IpAddress>;
using Clock = std::chrono::steady_clock;

/// What one family's lookup gave.
struct Found {
  int status = ARES_ENODATA;
  Addresses addresses;
  std::chrono::seconds ttl = std::chrono::seconds::max();
};

void require(int status, const char* what) {
  if (status != ARES_SUCCESS) {
    throw std::runtime_error(std::string("resolver: ") + what + ": " + ares_strerror(status));
  }
}

void start_library() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  require(status, "c-ares");
}

std::string unbracketed(const std::string& host) {
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return bracketed ? host.substr(1, host.size() - 2) : host;
}

bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= 254 && std::all_of(host.begin(), host.end(), [](char c) {
    return text::is_alnum(c) || c == '-' || c == '.' || c == '_';
  });
}

Found found(int status, const ares_addrinfo* info) {
  Found result;
  result.status = status;
  if (status != ARES_SUCCESS) return result;
  for (const ares_addrinfo_node* node = info->nodes; node != nullptr; node = node->ai_next) {
    SocketAddress address{};
    std::copy_n(reinterpret_cast<const char*>(node->ai_addr), node->ai_addrlen,
                reinterpret_cast<char*>(&address));
    result.addresses.push_back(to_endpoint(address).address);
    result.ttl = std::min(result.ttl, std::chrono::seconds(node->ai_ttl));
  }
  return result;
}

void on_found(void* context, int status, int, ares_addrinfo* info) {
  const std::unique_ptr<std::function<void(Found)>> done(
      static_cast<std::function<void(Found)>*>(context));
  (*done)(found(status, info));
  if (info != nullptr) ares_freeaddrinfo(info);
}

bool says_no(int status) { return status == ARES_ENOTFOUND || status == ARES_ENODATA; }

/// A name is only said not to exist when both questions were answered so.
Error failure(const std::string& host, const Found& v4, const Found& v6) {
  if (v4.status == ARES_EBADNAME) return invalid(host + ": not a host name");
  const int reason = says_no(v4.status) ? v6.status : v4.status;
  const std::string detail = "address of " + host + ": " + ares_strerror(reason);
  return says_no(reason) ? not_found(detail) : unavailable(detail);
}

}  // namespace

struct Resolver::State : std::enable_shared_from_this<Resolver::State> {
  struct Interest {
    bool wanted = false;   // by c-ares
    bool waiting = false;  // an async_wait is under way
  };
  /// A socket of c-ares as asio watches it; c-ares opens and closes it.
  struct Watched {
    Watched(const asio::any_io_executor& executor, int fd) : handle(executor, fd) {}
    asio::posix::stream_descriptor handle;
    Interest reading;
    Interest writing;
  };
  using Direction = Interest Watched::*;
  struct Cached {
    Addresses addresses;
    Clock::time_point until;
  };

  State(asio::any_io_executor on, Options chosen);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void watch(int fd, bool reads, bool writes);
  void wait(int fd, const std::shared_ptr<Watched>& watched, Direction direction);
  bool watches(int fd, const std::shared_ptr<Watched>& watched) const;
  void process(int readable, int writable);
  void watch_time();
  void ask(const std::string& host, int family, std::function<void(Found)> done);
  const Addresses* cached(const std::string& host);
  void keep(const std::string& host, const Addresses& addresses, std::chrono::seconds ttl);

  asio::any_io_executor executor;
  Options options;
  ares_channel channel = nullptr;
  std::map<int, std::shared_ptr<Watched>> sockets;
  asio::steady_timer timer;
  std::unordered_map<std::string, Cached> cache;
};

Resolver::State::State(asio::any_io_executor on, Options chosen)
    : executor(on), options(std::move(chosen)), timer(std::move(on)) {
  start_library();
  ares_options settings{};
  settings.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  settings.timeout = static_cast<int>(options.timeout.count());
  settings.tries = options.tries;
  std::string lookups = "fb";  // hosts file, then DNS
  settings.lookups = lookups.data();
  settings.sock_state_cb = [](void* self, ares_socket_t fd, int reads, int writes) {
    static_cast<State*>(self)->watch(fd, reads != 0, writes != 0);
  };
  settings.sock_state_cb_data = this;
  require(ares_init_options(&channel, &settings,
                            ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB),
          "start");
  std::string servers;
  for (const Endpoint& server : options.servers) servers += server.text() + ",";
  if (servers.empty()) return;
  servers.pop_back();
  const int status = ares_set_servers_ports_csv(channel, servers.c_str());
  if (status != ARES_SUCCESS) ares_destroy(channel);
  require(status, "servers");
}

Resolver::State::~State() { ares_destroy(channel); }

void Resolver::State::watch(int fd, bool reads, bool writes) {
  auto place = sockets.find(fd);
  if (!reads && !writes) {
    if (place == sockets.end()) return;
    place->second->handle.release();  // c-ares closes it
    sockets.erase(place);
    return;
  }
  if (place == sockets.end()) {
    place = sockets.emplace(fd, std::make_shared<Watched>(executor, fd)).first;
  }
  place->second->reading.wanted = reads;
  place->second->writing.wanted = writes;
  wait(fd, place->second, &Watched::reading);
  wait(fd, place->second, &Watched::writing);
}

void Resolver::State::wait(int fd, const std::shared_ptr<Watched>& watched, Direction direction) {
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
bool Resolver::State::watches(int fd, const std::shared_ptr<Watched>& watched) const {
  const auto place = sockets.find(fd);
  return place != sockets.end() && place->second == watched;
}

void Resolver::State::process(int readable, int writable) {
  ares_process_fd(channel, readable, writable);
  watch_time();
}

void Resolver::State::watch_time() {
  timeval left{};
  if (ares_timeout(channel, nullptr, &left) == nullptr) {
    timer.cancel();
    return;
  }
  timer.expires_after(std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec));
  timer.async_wait([self = weak_from_this()](const boost::system::error_code& error) {
    const auto state = self.lock();
    if (state && !error) state->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  });
}

void Resolver::State::ask(const std::string& host, int family, std::function<void(Found)> done) {
  ares_addrinfo_hints hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;  // sorting would open a socket for each address
  auto* context = new std::function<void(Found)>(std::move(done));
  ares_getaddrinfo(channel, host.c_str(), nullptr, &hints, &on_found, context);
  watch_time();
}

const Addresses* Resolver::State::cached(const std::string& host) {
  const auto entry = cache.find(host);
  if (entry == cache.end()) return nullptr;
  if (Clock::now() < entry->second.until) return &entry->second.addresses;
  cache.erase(entry);
  return nullptr;
}

void Resolver::State::keep(const std::string& host, const Addresses& addresses,
                           std::chrono::seconds ttl) {
  ttl = std::min(ttl, options.longest_ttl);
  if (options.cache_entries == 0 || ttl.count() <= 0) return;
  if (cache.size() >= options.cache_entries) {
    std::erase_if(cache,
                  [now = Clock::now()](const auto& entry) { return entry.second.until <= now; });
  }
  if (cache.size() >= options.cache_entries) cache.erase(cache.begin());
  cache.insert_or_assign(host, Cached{addresses, Clock::now() + ttl});
}

Resolver::Resolver(asio::any_io_executor executor, Options options)
    : state_(std::make_shared<State>(std::move(executor), std::move(options))) {}
Resolver::Resolver(asio::any_io_executor executor) : Resolver(std::move(executor), Options()) {}
Resolver::~Resolver() { ares_cancel(state_->channel); }

asio::awaitable<Result<std::vector<IpAddress>>> Resolver::addresses(std::string host) {
  const auto state = state_;
  if (const auto literal = IpAddress::parse(unbracketed(host))) co_return Addresses(1, *literal);
  if (!is_host_name(host)) co_return invalid("not a host name: " + host);
  host = text::lowered(host);
  if (const Addresses* known = state->cached(host)) co_return *known;

  // Two questions and not one for both families: c-ares would report SERVFAIL for one and "none"
  // for the other as "none".
  Answer<Found> v4_answer(state->executor);
  Answer<Found> v6_answer(state->executor);
  // But one for localhost: c-ares 1.18 leaks its name for a family that the hosts file lacks.
  const bool once = host == "localhost";
  state->ask(host, once ? AF_UNSPEC : AF_INET, v4_answer.done());
  if (once) {
    v6_answer.done()(Found());
  } else {
    state->ask(host, AF_INET6, v6_answer.done());
  }
  Found v4 = co_await v4_answer.result();
  const Found v6 = co_await v6_answer.result();
  if (v4.addresses.empty() && v6.addresses.empty()) co_return failure(host, v4, v6);
  v4.addresses.insert(v4.addresses.end(), v6.addresses.begin(), v6.addresses.end());
  state->keep(host, v4.addresses, std::min(v4.ttl, v6.ttl));
  co_return std::move(v4.addresses);
}

}  // namespace ecrelay::net

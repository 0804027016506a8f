#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "net/awaitable.h"
#include "net/endpoint.h"

namespace ecrelay::net {

/// Names to addresses on the network thread, without blocking it (c-ares): /etc/hosts first, then
/// the name servers of /etc/resolv.conf or those given. Names are taken as they are: no search
/// domains, no HOSTALIASES.
class Resolver {
 public:
  struct Options {
    std::vector<Endpoint> servers;  ///< empty: /etc/resolv.conf
    std::chrono::milliseconds timeout{
        2000};  ///< the first try of each server; later ones wait longer
    int tries = 3;
    std::size_t most_addresses = 8;          ///< of a family; the first ones are given
    std::size_t cache_entries = 1024;        ///< 0: no cache
    std::chrono::seconds longest_ttl{3600};  ///< longer TTLs are cut to this
  };

  /// Throws std::runtime_error when c-ares cannot start.
  Resolver(asio::any_io_executor executor, Options options);
  explicit Resolver(asio::any_io_executor executor);
  /// Pending lookups end with `unavailable`.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// A and AAAA of the host, at least one, IPv4 first, in the order of the answer. One that has
  /// thousands (an answer over TCP holds them) would keep whoever tries them all busy for hours, so
  /// no more than the first are given. An address literal ("192.0.2.1", "2001:db8::1",
  /// "[2001:db8::1]") is its own answer. Answers are kept for their TTL; failures are not.
  /// Errors: not_found (the name does not exist or has no address: permanent), invalid (not a host
  /// name), unavailable (no answer, SERVFAIL: try again). A stop request does not end it: it is
  /// bounded by the timeouts.
  asio::awaitable<Result<std::vector<IpAddress>>> addresses(std::string host);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace ecrelay::net

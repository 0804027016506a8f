#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "dns/reply.h"
#include "net/answer.h"
#include "net/awaitable.h"
#include "net/endpoint.h"

namespace ecrelay::net {

/// Questions to name servers and what they really said, on the network thread (c-ares): "there is
/// nothing" and "I cannot tell" are kept apart. EDNS; large answers over TCP. Nothing is cached.
class NameServers {
 public:
  struct Options {
    /// The first that answers counts; the next is asked where one fails. Empty: /etc/resolv.conf.
    std::vector<Endpoint> servers;
    /// False: they are asked only for what they have authority over; what else they say is
    /// `failed`, a referral to others above all.
    bool recursive = true;
    std::chrono::milliseconds timeout{1500};  ///< of the first try; the second waits twice as long
    int tries = 2;
  };

  /// Throws std::runtime_error when c-ares cannot start.
  NameServers(const asio::any_io_executor& executor, const Options& options);
  /// Pending questions end as silent.
  ~NameServers();
  NameServers(const NameServers&) = delete;
  NameServers& operator=(const NameServers&) = delete;

  const std::vector<Endpoint>& servers() const { return servers_; }

  /// A stop request does not end it: it is bounded by the timeouts.
  asio::awaitable<dns::Reply> ask(std::string name, dns::Type type);
  /// Asks the first server only, and comes back at once: to ask many servers at a time.
  Answer<dns::Reply> begin(const std::string& name, dns::Type type);

 private:
  struct One;
  std::vector<Endpoint> servers_;
  std::vector<std::shared_ptr<One>> each_;
};

}  // namespace ecrelay::net

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dns/judge.h"
#include "net/awaitable.h"
#include "net/name_servers.h"

namespace ecrelay::domains {

/// The name servers that have authority over names, found by walking up from each name, and asked
/// directly. Lives for the examination of one domain: what it found it does not ask again, and a
/// server that kept silent once is not waited for again. Network thread.
///
/// Zones are strangers' work, and CNAMEs to servers that each name another one fan out: after
/// `most_questions`, or `longest`, nobody is asked any more, and what was not asked is `failed`.
class ZoneServers {
 public:
  static constexpr unsigned most_questions = 500;  // a sound domain takes 20 to 150
  static constexpr std::chrono::seconds longest{30};

  /// Finds servers by way of `resolver`, which outlives it; they listen on `port`.
  ZoneServers(asio::any_io_executor executor, net::NameServers& resolver, std::uint16_t port);

  /// The resolver's own view.
  asio::awaitable<dns::View> by_resolver(std::string name, dns::Type type);
  /// What each server of the zone has; where a CNAME leads to another zone, the servers of that one
  /// are asked. Empty when no server could be found.
  asio::awaitable<std::vector<dns::View>> by_authorities(std::string name, dns::Type type);
  /// Why not all was asked that there was to ask; empty when it was.
  const std::string& exhausted() const { return exhausted_; }

 private:
  struct Server {
    std::string text;  ///< "192.0.2.1 (ns1.example)"
    net::Endpoint at;
  };

  using Question = std::pair<std::string, dns::Type>;

  bool may_ask();
  asio::awaitable<dns::Reply> ask_resolver(std::string name, dns::Type type);
  asio::awaitable<std::vector<Server>> servers_of(std::string name);
  asio::awaitable<std::vector<Server>> addresses_of(std::vector<std::string> names);
  asio::awaitable<std::vector<dns::View>> ask_all(std::vector<Server> servers, std::string name,
                                                  dns::Type type);
  asio::awaitable<void> follow(dns::View& view, dns::Type type, int depth);
  asio::awaitable<std::vector<dns::View>> views(std::string name, dns::Type type, int depth);
  net::NameServers& asking(const net::Endpoint& at);

  asio::any_io_executor executor_;
  net::NameServers& resolver_;
  std::uint16_t port_;
  net::Deadline end_ = net::after(longest);
  unsigned questions_ = 0;
  std::string exhausted_;
  bool resolver_silent_ = false;
  std::map<std::string, std::vector<Server>> zones_;
  std::map<Question, std::vector<dns::View>> seen_;
  std::map<net::Endpoint, std::unique_ptr<net::NameServers>> asked_;
  std::set<net::Endpoint> silent_;
};

}  // namespace ecrelay::domains

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "dispatch/job.h"
#include "dispatch/pool.h"
#include "net/resolver.h"
#include "net/stream.h"
#include "smtp/client_protocol.h"

namespace ecrelay::dispatch {

/// Why a server could not be used: what would have been the results of a transaction there.
struct Unreachable {
  smtp::RecipientResult result;
  std::string server;
};

/// Counts one for as long as it lives.
class Counted {
 public:
  explicit Counted(std::size_t& number) : number_(&++number) {}
  Counted(Counted&& other) noexcept : number_(std::exchange(other.number_, nullptr)) {}
  Counted& operator=(Counted&&) = delete;
  ~Counted() {
    if (number_ != nullptr) --*number_;
  }

 private:
  std::size_t* number_;
};

/// One connection to one server of an upstream: made, secured and logged in, then one transaction
/// after the other. Owned by one coroutine, network thread.
class Courier {
 public:
  Courier(std::shared_ptr<Pool> pool, net::Resolver& resolver, std::string hostname);

  /// Whose servers it goes to, as they were configured when it was made.
  Pool& pool() const { return *pool_; }

  /// Connects to the server at this place of the pool and goes through greeting, EHLO, TLS and AUTH
  /// as the upstream's settings demand; no mail is ever sent where less was reached. False:
  /// failure() says why.
  asio::awaitable<bool> open(std::size_t server);
  const Unreachable& failure() const { return failure_; }

  /// The connection carries mail: it is one of the server's until it goes.
  void assign(std::size_t server) {
    place_ = server;
    counted_.emplace(pool_->open_connections[server]);
  }
  std::optional<std::size_t> place() const { return place_; }

  /// One transaction: a result for each recipient of the job, in their order. Afterwards usable()
  /// tells whether the connection is good for another. From the moment the body goes out it is a
  /// flight, which take_flight() hands over.
  asio::awaitable<std::vector<smtp::RecipientResult>> deliver(const Job& job,
                                                              store::Flights& flights);
  store::Flights::Slot take_flight() { return std::exchange(flight_, std::nullopt); }
  bool usable() const { return stream_ && protocol_ && protocol_->idle(); }

  /// QUIT, briefly. May be opened again.
  asio::awaitable<void> close();

  /// "host:ip:port", "ip:port" where the configuration has an address.
  std::string server() const { return server_text_; }
  const std::string& server_host() const { return server_host_; }
  std::string tls() const;
  std::uint32_t transactions() const { return transactions_; }

 private:
  asio::awaitable<bool> connect(const config::ServerAddress& address);
  asio::awaitable<bool> introduce();
  asio::awaitable<bool> secure();
  asio::awaitable<bool> log_in();
  asio::awaitable<smtp::ClientEvent> step();
  asio::awaitable<void> write_body();
  asio::awaitable<void> exchange();
  net::Deadline reply_deadline() const;
  bool fail(smtp::Stage stage, smtp::Reply reply, smtp::Origin origin);
  bool fail_by(const smtp::ClientEvent& event);
  bool fail_locally(smtp::Stage stage, std::string text);

  std::shared_ptr<Pool> pool_;
  const config::Upstream& upstream_;  ///< of the pool
  net::Resolver& resolver_;
  std::string hostname_;
  std::optional<net::Stream> stream_;
  std::optional<smtp::ClientProtocol> protocol_;
  std::vector<char> buffer_;
  std::optional<std::size_t> awaited_after_;  ///< replies heard when the wait for the next began
  Unreachable failure_;
  std::string server_host_;
  std::string server_text_;
  std::uint32_t transactions_ = 0;
  store::Flights::Slot flight_;
  std::optional<std::size_t> place_;
  std::optional<Counted> counted_;
};

}  // namespace ecrelay::dispatch

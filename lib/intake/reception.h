#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/histogram.h"
#include "core/network.h"
#include "core/time.h"
#include "dkim/signer.h"
#include "intake/memory.h"
#include "intake/signing.h"
#include "intake/site.h"
#include "net/listener.h"
#include "net/task_group.h"
#include "net/timer.h"
#include "net/workers.h"
#include "policy/limits.h"
#include "policy/login_cache.h"
#include "records/message.h"
#include "smtp/reply.h"
#include "store/suppression.h"
#include "store/writer.h"

namespace ecrelay::intake {

struct Client;

/// A message stored a moment ago, for whoever delivers it: it is on disk, so this may be
/// dropped at any time.
using Accepted = store::Acceptance;

/// What reception works with; all of it outlives the reception. Callbacks run on the network
/// thread.
struct Ports {
  asio::any_io_executor executor;
  net::Workers& workers;
  const dkim::Signer& signer;
  store::Writer& writer;
  store::SuppressionIndex& suppression;
  std::function<void(Accepted)> on_accepted;
  std::function<std::uint64_t()>
      free_bytes;  ///< of the disk with the state folder; may be a second old
  std::function<std::uint64_t()> queued;  ///< recipients that wait for delivery
  /// A listening socket for the address: one that was handed to the process, or a new one.
  net::Listener::Source listen;
  std::function<policy::ShopUsage(const std::string& shop, TimePoint now)>
      usage_of;  ///< from the book
  MaySign may_sign{};
};

struct Counters {
  std::uint64_t connections = 0;
  std::uint64_t refused_connections = 0;
  std::uint64_t messages = 0;
  std::uint64_t recipients = 0;
  std::uint64_t suppressed = 0;  ///< of the recipients
  std::uint64_t rejections = 0;

  /// From the end of a command (or body) to its answer.
  enum class Verb { helo, mail, rcpt, data, body, auth, count };
  std::array<Histogram, static_cast<std::size_t>(Verb::count)> replies{
      Histogram(quick_bounds), Histogram(quick_bounds), Histogram(quick_bounds),
      Histogram(quick_bounds), Histogram(quick_bounds), Histogram(quick_bounds)};
  void replied(Verb verb, std::chrono::steady_clock::duration took) {
    replies[static_cast<std::size_t>(verb)].observe(took);
  }
  Histogram signing{quick_bounds};  ///< of messages that are signed: the wait for a signer, too
};
std::string_view to_text(Counters::Verb verb);

/// The listeners and all that sessions share. Network thread only.
class Reception {
 public:
  Reception(Ports ports, std::shared_ptr<const Site> site);

  /// A listening socket of the configuration. Connections that come by it are served by its place
  /// in the settings of the site that is in force then.
  struct Door {
    Door(config::SocketAddress at, net::Listener on) : address(at), listener(std::move(on)) {}

    config::SocketAddress address;  ///< as configured
    net::Listener listener;
    std::size_t place = 0;
  };
  using Doors = std::vector<std::shared_ptr<Door>>;

  /// The doors of a site, in the order of its listeners: those that are open, and new ones. Nothing
  /// has changed before adopt(). Errors name the listener.
  Result<Doors> open_doors(const Site& site) const;
  /// This site from now on, in one step: new connections and limits are by it, sessions keep the
  /// one they began with. Doors that it lacks are closed.
  void adopt(std::shared_ptr<const Site> site, Doors doors);
  /// adopt() of the first site. Accepts until stop().
  Result<void> listen();
  /// Closes the listeners, asks sessions to end (421 between commands; a body under way may
  /// finish) and waits for them.
  asio::awaitable<void> stop(net::Deadline deadline);
  /// No message is stored from now on: MAIL gets 421. For a book that failed.
  void refuse_everything() { refusing_ = true; }
  bool refusing() const { return refusing_; }

  const std::shared_ptr<const Site>& site() const { return site_; }
  const Ports& ports() const { return ports_; }
  /// Where each listener is bound, in the order of the settings.
  std::vector<net::Endpoint> endpoints() const;

  MemoryBudget& memory() { return memory_; }
  /// Wakes one who waits for memory; who takes some wakes the next.
  net::Event& memory_freed() { return memory_freed_; }
  policy::ConnectionCaps& connections() { return connections_; }
  policy::VerifiedLogins& verified_logins() { return verified_logins_; }
  policy::LoginAttempts& login_attempts() { return login_attempts_; }
  policy::ShopMeter& meter(const policy::Shop& shop, TimePoint now);
  Counters& counters() { return counters_; }
  /// A charge was booked for the shop: counts towards its month.
  void charged(const std::string& shop, Money amount, TimePoint at);
  /// Warns of limits of the shop that are used up to 80 or 100 %, once each.
  void tell_limits(const std::string& shop, TimePoint at);
  /// Names sessions in logs and traces: unique for the life of the process.
  std::string next_session_name();

 private:
  void arrive(net::Stream stream, std::size_t listener);
  asio::awaitable<void> read_proxy_header(net::Stream stream, std::shared_ptr<const Site> site,
                                          std::size_t listener);
  void welcome(net::Stream stream, const std::shared_ptr<const Site>& site, std::size_t listener,
               const IpAddress& from);
  void refuse(net::Stream stream, const Client& client, smtp::Reply reply, std::string_view reason);
  void serve(const std::shared_ptr<Door>& door);
  void apply_limits();

  Ports ports_;
  std::shared_ptr<const Site> site_;
  bool refusing_ = false;
  MemoryBudget memory_;
  net::Event memory_freed_;
  policy::ConnectionCaps connections_;
  policy::VerifiedLogins verified_logins_;
  policy::LoginAttempts login_attempts_;
  std::unordered_map<std::string, policy::ShopMeter> meters_;
  Counters counters_;
  std::uint64_t sessions_ = 0;
  policy::TokenBucket refusals_;  ///< of unknown hosts and those over a cap, told and read
  std::string session_prefix_;
  Doors doors_;
  net::TaskGroup accepting_;
  net::TaskGroup sessions_running_;
};

}  // namespace ecrelay::intake

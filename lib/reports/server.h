#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "config/settings.h"
#include "net/listener.h"
#include "net/task_group.h"
#include "net/tls.h"
#include "net/workers.h"
#include "policy/limits.h"
#include "policy/operator_rule.h"
#include "policy/return_path.h"
#include "reports/domain_look.h"
#include "reports/onward.h"
#include "smtp/reply.h"
#include "store/inquiry.h"
#include "store/weighing.h"
#include "store/writer.h"

namespace ecrelay::reports {

/// What the server works with; all of it outlives the server.
struct Ports {
  asio::any_io_executor executor;
  net::Workers& workers;  ///< reports are read there, so that a storm holds up nobody's session
  store::Writer& writer;
  store::Inquiry& inquiry;  ///< of the network thread
  /// A report was weighed; what it came to is in the book.
  std::function<void(const store::Weighed&)> on_weighed;
  /// The book has queued a mail that carries a report on.
  std::function<void(const records::Message&)> on_onward;
  /// A listening socket for the address: one that was handed to the process, or a new one.
  net::Listener::Source listen;
};

/// What one configuration says of reports. Immutable; a session keeps those it began with.
struct Terms {
  std::shared_ptr<const config::Settings> settings;
  policy::OperatorRules rules{};                    ///< suppression.rules
  std::optional<policy::ReturnPaths> return_paths;  ///< where reports.listen is set
  std::optional<net::TlsServer> tls;
  std::unordered_set<std::string> forwarding;  ///< by mail::domain_key(): forward_reports
};

/// Errors (invalid) say what is wrong with the certificate. One that `before` has is taken over.
Result<std::shared_ptr<const Terms>> make_terms(std::shared_ptr<const config::Settings> settings,
                                                TimePoint at, const Terms* before);

/// Why a connection or a report was not taken. From `connections` on it was put off: it may come
/// again.
enum class TurnedAway { network, return_path, sender, body, connections, rate, trouble };
inline constexpr std::size_t ways_to_turn_away = 7;
std::string_view to_text(TurnedAway why);  ///< the enumerator's own name
constexpr bool may_come_again(TurnedAway why) { return why >= TurnedAway::connections; }

struct Counters {
  std::uint64_t connections = 0;
  std::uint64_t reports = 0;    ///< kept, and answered with 250
  std::uint64_t forwarded = 0;  ///< of the reports, carried on to senders
  std::array<std::uint64_t, ways_to_turn_away> turned_away{};

  std::uint64_t& of(TurnedAway why) { return turned_away[static_cast<std::size_t>(why)]; }
};

/// The listener for what comes back to return paths (DESIGN "Return path and reports"). It may be
/// open to the world: it takes mail only to a signed, unexpired return path for a recipient the
/// book has, only from the null sender (complaints excepted), never relays, and never answers by
/// mail. Connections and reports a second are limited, of all and of one address, apart from
/// submissions; a stranger who has no return path uses nothing of that up. Network thread.
class Server {
 public:
  Server(Ports ports, std::shared_ptr<const Terms> terms);

  /// A listening socket and the address that was asked for.
  struct Door {
    Door(config::SocketAddress at, net::Listener on) : address(at), listener(std::move(on)) {}

    config::SocketAddress address;
    net::Listener listener;
  };
  /// The door for these terms: the one that is open, a new one, or none where reports.listen is not
  /// set. Nothing has changed before adopt(). Errors name what is wrong.
  Result<std::shared_ptr<Door>> open_door(const Terms& terms) const;
  /// By these terms from now on, in one step.
  void adopt(std::shared_ptr<const Terms> terms, std::shared_ptr<Door> door);
  /// adopt() of the first terms.
  Result<void> listen();
  asio::awaitable<void> stop(net::Deadline deadline);
  std::optional<net::Endpoint> endpoint() const;

  const Ports& ports() const { return ports_; }
  const std::shared_ptr<const Terms>& terms() const { return terms_; }
  Counters& counters() { return counters_; }
  const Counters& counters() const { return counters_; }
  Onward& onward() { return onward_; }
  /// Who asks keeps it: a reload may name another resolver.
  const std::shared_ptr<DomainLooks>& domain_looks() const { return domain_looks_; }
  /// Takes the place of a report of this address in the rate.
  bool admits_another(const IpAddress& from, TimePoint now);

 private:
  void welcome(net::Stream stream);
  bool knows(const IpAddress& address) const;
  void refuse(net::Stream stream, TurnedAway why, smtp::Reply reply);

  Ports ports_;
  std::shared_ptr<const Terms> terms_;
  policy::ConnectionCaps connections_;
  policy::TokenBucket rate_;
  std::unordered_map<std::string, policy::TokenBucket> peers_;  ///< by neighbourhood
  Onward onward_;
  std::shared_ptr<DomainLooks> domain_looks_;
  Counters counters_;
  std::shared_ptr<Door> door_;
  net::TaskGroup accepting_;
  net::TaskGroup sessions_;
};

}  // namespace ecrelay::reports

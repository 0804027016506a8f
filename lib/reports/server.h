#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "net/listener.h"
#include "net/task_group.h"
#include "net/tls.h"
#include "net/workers.h"
#include "policy/limits.h"
#include "policy/return_path.h"
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
};

struct Counters {
  std::uint64_t connections = 0;
  std::uint64_t refused_connections = 0;
  std::uint64_t reports = 0;  ///< kept, and answered with 250
  std::uint64_t rejections = 0;
};

/// The listener for what comes back to return paths (DESIGN "Return path and reports"). It may be
/// open to the world: it takes mail only to a signed, unexpired return path for a recipient the
/// book has, only from the null sender (complaints excepted), never relays, and never answers by
/// mail. Connections and reports a second are limited apart from submissions. Network thread.
class Server {
 public:
  Server(Ports ports, std::shared_ptr<const config::Settings> settings);

  /// Opens reports.listen; does nothing without it. Errors name what is wrong.
  Result<void> listen();
  asio::awaitable<void> stop(net::Deadline deadline);
  std::optional<net::Endpoint> endpoint() const;

  const Ports& ports() const { return ports_; }
  const config::Settings& settings() const { return *settings_; }
  const policy::ReturnPaths& return_paths() const { return *return_paths_; }
  const std::optional<net::TlsServer>& tls() const { return tls_; }
  Counters& counters() { return counters_; }
  const Counters& counters() const { return counters_; }
  /// Takes a report's place in the rate.
  bool admits_another(TimePoint now) { return rate_.take(now).allowed(); }

 private:
  void welcome(net::Stream stream);
  bool knows(const IpAddress& address) const;
  void refuse(net::Stream stream, int code, std::string_view enhanced, std::string text);

  Ports ports_;
  std::shared_ptr<const config::Settings> settings_;
  std::optional<policy::ReturnPaths> return_paths_;
  std::optional<net::TlsServer> tls_;
  policy::ConnectionCaps connections_;
  policy::TokenBucket rate_;
  Counters counters_;
  std::optional<net::Listener> listener_;
  net::TaskGroup accepting_;
  net::TaskGroup sessions_;
};

}  // namespace ecrelay::reports

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "control/dns_answers.h"
#include "control/reloading.h"
#include "control/status.h"
#include "core/network.h"
#include "core/result.h"
#include "net/listener.h"
#include "net/local.h"
#include "net/task_group.h"
#include "policy/admission.h"
#include "records/signing_key.h"
#include "store/queue.h"
#include "store/writer.h"

namespace ecrelay::control {

/// A test of the operator's; without a sender it comes from the shop's postmaster.
struct TestMail {
  std::string shop;
  std::string recipient;
  std::string sender;
};

/// What the server asks of the running daemon, and tells it. All are called on the network
/// thread and must not block; none may be empty.
struct Ports {
  std::function<Status()> status;
  /// What shops must publish, as it was found last: for the metrics. Costs by the record.
  std::function<std::vector<records::DnsRecord>()> dns_records;
  /// The configuration in force.
  std::function<std::shared_ptr<const config::Settings>()> settings;
  /// Admission::explain of the configuration in force.
  std::function<std::vector<policy::Step>(const IpAddress& client,
                                          std::optional<std::string_view> sender_domain)>
      explain;
  /// Looks at the DNS of domains of the configuration in force.
  Examine examine;
  /// The book has made these recipients due at `now`: dispatch does the same to its index.
  std::function<void(const store::QueueFilter& filter, TimePoint now)> retried;
  /// Takes a message out of delivery while an operator's change of it is written; false, and
  /// nothing taken: it is being delivered now.
  std::function<bool(const std::string& upstream, const Ulid& message)> withhold;
  /// The end of withhold().
  std::function<void(const std::string& upstream, const Ulid& message)> give_back;
  /// The book has made recipients of this message, which were held, due at `now`.
  std::function<void(const std::string& upstream, const Ulid& message, TimePoint now)> released;
  /// By so many the number of queued recipients has changed.
  std::function<void(std::int64_t)> queued_by;
  /// The list has changed for this key, on disk.
  std::function<void(const std::string& key)> suppression_changed;
  /// By so many the number of parked candidates has changed.
  std::function<void(std::int64_t)> parked_by;
  /// Sends a mail of the operator's for a shop: the id of the stored message.
  std::function<asio::awaitable<Result<Ulid>>(TestMail mail)> send_test;
  /// Puts the configuration file in force as it is now, whole, or nothing of it: `invalid` says
  /// what is wrong with it, a line each, `conflict` what does not let it be put in force.
  std::function<asio::awaitable<Result<Reloaded>>()> reload;
};

/// Answers ecrelayctl over the Unix socket, and monitoring over HTTP (GET /healthz, /readyz,
/// /metrics; it changes nothing there).
///
/// Who may: root, the daemon's own user, and members of the socket file's group, as the kernel
/// tells; the file's mode alone is not believed. Every change leaves an audit row in its own
/// transaction and an `admin` event in the log. Questions to the book run on a thread of their
/// own, one at a time, so a person never holds up mail; what reads a whole month has another.
///
/// Bounds: 32 connections each for socket and HTTP, a request of 1 MiB, 30 s to send the next
/// request, 30 s to take a reply.
class Server {
 public:
  /// Everything named here outlives the server; the server outlives the tasks of `tasks`.
  Server(net::TaskGroup& tasks, store::Writer& writer, std::string book, Ports ports);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// Serves in `tasks` until they are told to stop. `path` is where the listener's file is.
  void serve(net::UnixListener listener, const std::string& path);
  /// Loopback only: the configuration sees to that.
  void serve_http(net::Listener listener);
  /// The reload that SIGHUP asks for: audited like any other. Its outcome is told in the log.
  asio::awaitable<void> reload_by_signal();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ecrelay::control

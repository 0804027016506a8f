#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "configuration.h"
#include "control/server.h"
#include "core/time.h"
#include "dispatch/dispatcher.h"
#include "dkim/signer.h"
#include "domains/watch.h"
#include "intake/reception.h"
#include "net/inherited.h"
#include "net/resolver.h"
#include "net/task_group.h"
#include "net/timer.h"
#include "net/workers.h"
#include "proposal.h"
#include "reports/server.h"
#include "store/inquiry.h"
#include "store/store.h"
#include "store/suppression.h"

namespace ecrelay {

/// As the configuration writes it.
std::string_view word(config::ListenerTls tls);

/// The daemon: the modules of the house, wired. Built whole or not at all, then run() until a
/// signal or a broken book ends it. One configuration is in force at any time; a reload makes the
/// next one beside it and swaps it in one place, adopt().
class Relay {
 public:
  struct Options {
    std::filesystem::path config;
    bool quickack = true;             ///< --no-quickack: to measure what it is worth
    net::InheritedSockets sockets{};  ///< listening sockets that were handed over
  };

  /// Throws store::Failure and std::runtime_error with what an operator must mend.
  Relay(Configuration configuration, Options options);

  /// The exit code: 0 after a signal, 69 when nothing can be listened on, 70 after the book broke.
  int run();

 private:
  intake::Ports intake_ports();
  domains::WatchPorts watch_ports();
  void watch_domains();
  dispatch::Ports dispatch_ports();
  control::Ports control_ports();

  void recall();
  asio::awaitable<void> live();
  Result<void> open_doors();
  asio::awaitable<void> handle_signals();
  asio::awaitable<void> keep_watch();
  asio::awaitable<void> keep_status();
  std::string status_line();
  asio::awaitable<void> stop(std::string reason);
  asio::awaitable<Result<control::Reloaded>> reload();
  asio::awaitable<Result<Proposal>> read_anew();
  asio::awaitable<Result<void>> put_in_force(Proposal& proposal);
  asio::awaitable<Result<void>> note_new_prices(const Configuration& configuration);
  void adopt(Configuration configuration, intake::Reception::Doors doors,
             std::shared_ptr<reports::Server::Door> reports_door);
  void take_apart_what_is_over();
  net::Listener::Source listening_sockets();
  asio::awaitable<void> push_matching(store::QueueFilter filter, TimePoint due);
  void on_accepted(intake::Accepted accepted);
  void on_onward(const records::Message& mail);
  void on_weighed(const store::Weighed& weighed);
  void on_broken(const std::string& reason);
  policy::ShopUsage usage_of(const std::string& shop, TimePoint at);
  control::Status status();

  const config::Settings& settings() const { return site_->settings; }

  std::shared_ptr<const intake::Site> site_;
  std::shared_ptr<const dkim::Signer> signer_;
  Options options_;
  TimePoint up_since_;
  std::chrono::steady_clock::time_point began_;
  int exit_code_ = 0;
  bool stopping_ = false;
  std::int64_t queued_ = 0;  ///< recipients in the book that wait for delivery
  std::int64_t parked_ = 0;  ///< candidates for the list that wait for somebody to decide

  asio::io_context context_;
  asio::signal_set signals_;
  store::Store store_;
  store::SuppressionIndex suppression_;
  store::QueueReader backlog_;
  store::Inquiry inquiry_;
  net::Resolver resolver_;
  net::Workers workers_;
  net::Workers reader_{"reload", 1};  ///< thousands of new keys would hold up signing
  /// Configurations that were in force, for as long as a session may hold them.
  std::vector<std::shared_ptr<const intake::Site>> earlier_;
  net::Event reload_over_;
  bool reloading_ = false;
  domains::Watch watch_;
  dispatch::Dispatcher dispatcher_;
  intake::Reception reception_;
  reports::Server reports_;
  net::TaskGroup tasks_;
  control::Server control_;
};

}  // namespace ecrelay

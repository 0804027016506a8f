#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "core/time.h"
#include "dns/judge.h"
#include "dns/key_life.h"
#include "domains/discharge.h"
#include "net/task_group.h"
#include "net/timer.h"
#include "net/workers.h"
#include "store/domains.h"
#include "store/inquiry.h"
#include "store/writer.h"

namespace ecrelay::domains {

/// What the watch works with; all of it outlives the watch.
struct WatchPorts {
  asio::any_io_executor executor;
  net::Workers& workers;
  store::Writer& writer;
  std::string book;
  OnReleased released;
};

/// The keys that may sign for each domain, by mail::domain_key.
using ConfiguredKeys = std::map<std::string, std::vector<dns::ConfiguredKey>, std::less<>>;

/// Looks at the DNS of every domain again and again (dns.check_every), tells changes in the log,
/// and leads keys through their lives (dns/key_life.h). What it knows is in the book, so that a
/// restart forgets nothing and tells nothing twice. Without dns.check_every it does nothing, and
/// every key signs. Network thread.
class Watch {
 public:
  /// Reads what earlier runs knew.
  Watch(WatchPorts ports, store::Inquiry& inquiry);

  /// The configuration in force from now on. Does not wait.
  void adopt(std::shared_ptr<const config::Settings> settings, const ConfiguredKeys& keys);
  /// Begins to look.
  void start(net::TaskGroup& tasks);

  /// May this key sign now? One that nobody has adopted may not; where mail is not held back every
  /// key may until one is in DNS (a session may have begun when it was).
  bool signs(std::string_view domain, std::string_view selector) const;
  /// As it was found last, of the domains of the configuration.
  std::vector<records::DnsRecord> records() const;

 private:
  struct Watched {
    bool configured = false;
    bool holds_back = false;  ///< mail must not leave signed by a key that is not in DNS
    bool being_looked_at = false;
    bool unsaved = false;  ///< keys or records that the book does not have yet
    net::Deadline next{};
    dns::Keys keys;
    std::vector<records::DnsRecord> records;
  };

  bool on() const { return settings_ && settings_->dns.check_every.has_value(); }
  void adopt_keys(const std::string& domain, Watched& watched,
                  const std::vector<dns::ConfiguredKey>& configured, TimePoint at);
  void write_unsaved_keys();
  TimePoint keep_until(TimePoint at) const;
  void plan_first_looks();

  asio::awaitable<void> work();
  asio::awaitable<void> look(std::string name);
  asio::awaitable<void> examine_and_note(std::string name);
  void note_records(const std::string& name, Watched& watched, const dns::Report& report,
                    TimePoint at);
  bool note_keys(const std::string& name, Watched& watched, const dns::Report& report,
                 TimePoint at);
  asio::awaitable<void> age_keys(std::string name, TimePoint at);
  asio::awaitable<bool> save(std::string name, bool release, TimePoint at);
  std::chrono::milliseconds pause_after(const Watched& watched, bool released) const;

  WatchPorts ports_;
  std::shared_ptr<const config::Settings> settings_;
  std::map<std::string, Watched, std::less<>> domains_;
  net::Event changed_;
  Discharge discharge_;
};

}  // namespace ecrelay::domains

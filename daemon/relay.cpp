#include "relay.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <csignal>
#include <exception>
#include <utility>

#include "control/price_list.h"
#include "domains/examination.h"
#include "heap.h"
#include "intake/trial.h"
#include "log/events.h"
#include "log/failure.h"
#include "net/timer.h"
#include "supervisor.h"

namespace ecrelay {
namespace {

/// How long a stop waits for deliveries under way, then for sessions; what is left stays queued.
constexpr std::chrono::seconds delivery_time{20};
constexpr std::chrono::seconds session_time{20};
/// Who was handed its sockets may have been started before its predecessor ended.
constexpr std::chrono::seconds predecessor_time{60};
constexpr std::chrono::seconds status_interval{5};
/// More than this many messages are found again by the time keeper of their upstream anyway.
constexpr std::size_t retried_at_once = 100'000;

using Tell = std::function<void(const std::string&)>;

store::Store::Settings store_settings(const config::Settings& settings, bool handed_over,
                                      Tell broken, Tell troubled) {
  store::Store::Settings result;
  result.state_dir = settings.state_dir.string();
  if (handed_over) result.predecessor = predecessor_time;
  result.writer.broken = std::move(broken);
  result.writer.troubled = std::move(troubled);
  result.writer.list_rules = list_rules(settings.suppression);
  return result;
}

/// Not by way of the network thread: the trouble may be there before it runs.
void tell_trouble(const std::string& reason) {
  if (reason.empty()) {
    log::store_recovered("the disk takes mail again");
  } else {
    log::store_trouble("write", reason);
  }
}

domains::ConfiguredKeys keys_of(const intake::Site& site) {
  domains::ConfiguredKeys keys;
  for (const auto& [domain, identities] : site.identities) {
    for (const dkim::Identity& each : identities) {
      if (each.domain != domain) continue;  // the operator signs for it
      keys[domain].push_back(dns::ConfiguredKey{
          each.selector, std::string(dkim::name(each.key.algorithm())), each.key.record()});
    }
  }
  return keys;
}

}  // namespace

Relay::Relay(Configuration configuration, Options options)
    : site_(std::move(configuration.site)),
      signer_(std::move(configuration.signer)),
      options_(std::move(options)),
      up_since_(now()),
      began_(std::chrono::steady_clock::now()),
      context_(1),
      signals_(context_, SIGTERM, SIGINT, SIGHUP),
      store_(store_settings(
          settings(), !options_.sockets.left().empty(),
          [this](const std::string& reason) {
            asio::post(context_, [this, reason] { on_broken(reason); });
          },
          tell_trouble)),
      suppression_(store_.book(), settings().suppression.quiet_after_delivery),
      backlog_(store_.book(), store_.last_of_earlier_runs()),
      inquiry_(store_.book()),
      resolver_(context_.get_executor()),
      workers_("signer", settings().dkim.signers),
      reload_over_(context_.get_executor()),
      watch_(watch_ports(), inquiry_),
      dispatcher_(dispatch_ports(), std::move(configuration.plan)),
      reception_(intake_ports(), site_),
      reports_(reports::Ports{context_.get_executor(), workers_, store_.writer(), inquiry_,
                              [this](const store::Weighed& weighed) { on_weighed(weighed); },
                              [this](const records::Message& mail) { on_onward(mail); },
                              listening_sockets()},
               std::move(configuration.terms)),
      tasks_(context_.get_executor(), log::failure_teller("daemon")),
      control_(tasks_, store_.writer(), store_.book(), control_ports()) {
  // Before anything is charged by them.
  if (auto noted = control::note_prices(inquiry_, store_.writer(), settings(), up_since_); !noted)
    throw store::Failure(options_.config.string() + ": " + noted.error().detail);
  watch_domains();
  signals_.add(SIGUSR1);
  // A peer that went away is an error of the write, not of the process.
  std::signal(SIGPIPE, SIG_IGN);
}

int Relay::run() {
  recall();
  tasks_.spawn(live());
  context_.run();
  return exit_code_;
}

/// What earlier runs left. Throws: without its book a relay must not stay up behind closed doors.
void Relay::recall() {
  const store::StartReport& found = store_.start_report();
  for (const std::uint64_t segment : found.segments_missing) {
    log::store_trouble("open spool", "segment " + store::Spool::name(segment) +
                                         " is missing; its messages cannot be sent");
  }
  for (const std::string& reason : found.archives_missing) log::store_trouble("archive", reason);
  queued_ = inquiry_.totals().queued;
  parked_ = inquiry_.parked_count();
  dispatcher_.start();
  dispatcher_.recall(store_.flights().take_lost());
}

asio::awaitable<void> Relay::live() {
  if (const Result<void> opened = open_doors(); !opened) {
    log::internal_error("listen", opened.error().detail);
    exit_code_ = 69;
    co_await stop("cannot listen: " + opened.error().detail);
    co_return;
  }
  tasks_.spawn(handle_signals());
  tasks_.spawn(keep_watch());
  tasks_.spawn(keep_status());
  watch_.start(tasks_);
  const auto took = std::chrono::steady_clock::now() - began_;
  log::ready(std::chrono::duration_cast<Duration>(took));
  supervisor::ready();
  co_await dispatcher_.load(backlog_);
}

Result<void> Relay::open_doors() {
  auto control =
      net::UnixListener::open(context_.get_executor(), settings().control.socket.string());
  if (!control) return control.error();
  control_.serve(std::move(*control), settings().control.socket.string());
  if (const auto& http = settings().control.http) {
    auto listener = listening_sockets()(net::Endpoint(http->ip, http->port));
    if (!listener) return listener.error();
    log::listening(listener->local().text(), "http");
    control_.serve_http(std::move(*listener));
  }
  if (auto opened = reception_.listen(); !opened) return opened.error();
  const std::vector<net::Endpoint> endpoints = reception_.endpoints();
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    log::listening(endpoints[i].text(), word(settings().listeners[i].tls));
  }
  if (auto opened = reports_.listen(); !opened) return opened.error();
  if (const auto endpoint = reports_.endpoint()) log::listening(endpoint->text(), "reports");
  for (const net::Endpoint& left : options_.sockets.left()) {
    log::config_warning("a socket for " + left.text() +
                        " was handed over, and nothing in the configuration listens there");
  }
  options_.sockets = net::InheritedSockets();
  return Result<void>();
}

asio::awaitable<void> Relay::handle_signals() {
  std::string reason;
  for (;;) {
    boost::system::error_code error;
    const int signal =
        co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    switch (signal) {
      case SIGUSR1:
        log::reopen();
        break;
      case SIGHUP:
        tasks_.spawn(control_.reload_by_signal());
        break;
      default:
        reason = signal == SIGTERM ? "SIGTERM" : "SIGINT";
        co_await stop(reason);
        co_return;
    }
  }
}

/// Says that the network thread turns and that the store thread gets on. Where one of them hangs it
/// stays unsaid, and systemd starts the relay anew.
asio::awaitable<void> Relay::keep_watch() {
  const auto interval = supervisor::watchdog_interval();
  if (!interval) co_return;
  bool told = false;
  for (;;) {
    const auto busy = store_.writer().busy();
    const bool hangs = busy > *interval / 2;
    if (!hangs) supervisor::alive();
    if (hangs && !told)
      log::store_trouble("watchdog", "the store thread hangs; the watchdog is not fed");
    told = hangs;
    co_await net::sleep_until(net::after(*interval / 3));
  }
}

asio::awaitable<void> Relay::keep_status() {
  for (;;) {
    supervisor::status(status_line());
    take_apart_what_is_over();
    heap::tidy_up();
    co_await net::sleep_until(net::after(status_interval));
  }
}

std::string Relay::status_line() {
  const control::Status now = status();
  return (now.accepting ? std::string("accepting mail") : "not accepting mail: " + now.refusing) +
         "; " + std::to_string(now.queued) + " recipients queued, " +
         std::to_string(now.in_flight) + " messages being delivered, " +
         std::to_string(now.sessions) + " sessions";
}

/// Deliveries end while mail is still taken: it waits for the next start. So clients wait no longer
/// than for the sessions that are left, and where the sockets were handed over they wait in the
/// kernel's backlog, for the successor.
asio::awaitable<void> Relay::stop(std::string reason) {
  if (std::exchange(stopping_, true)) co_return;
  supervisor::stopping();
  while (reloading_) co_await reload_over_.wait();
  co_await dispatcher_.stop(net::after(delivery_time));
  const net::Deadline deadline = net::after(session_time);
  co_await reports_.stop(deadline);
  co_await reception_.stop(deadline);
  signals_.cancel();
  tasks_.request_stop();
  store_.writer().stop();
  const auto lived = std::chrono::steady_clock::now() - began_;
  log::stopped(reason, std::chrono::duration_cast<Duration>(lived));
  context_.stop();
}

net::Listener::Source Relay::listening_sockets() {
  net::Listener::Options options;
  options.quickack = options_.quickack;
  return [this, options](const net::Endpoint& at) {
    const auto executor = context_.get_executor();
    const auto socket = options_.sockets.take(at);
    return socket ? net::Listener::adopt(executor, *socket, options)
                  : net::Listener::open(executor, at, options);
  };
}

/// The writer is done for good (THREATS "Storage facts"): no more 250; the process ends, and the
/// next one reads back what the disk really has.
void Relay::on_broken(const std::string& reason) {
  log::store_trouble("commit", reason);
  reception_.refuse_everything();
  exit_code_ = 70;
  tasks_.spawn(stop("the book failed: " + reason));
}

void Relay::on_accepted(intake::Accepted accepted) {
  for (const records::Recipient& recipient : accepted.recipients) {
    if (recipient.state == records::State::queued) ++queued_;
  }
  dispatch::Job job = dispatch::job_of(accepted.message, accepted.recipients,
                                       std::move(accepted.head), std::move(accepted.body));
  if (!job.recipients.empty()) {
    dispatcher_.announce(accepted.message.upstream, std::move(job), accepted.message.lane);
  }
}

/// A report goes on to its sender as a message of its own.
void Relay::on_onward(const records::Message& mail) {
  ++queued_;
  dispatcher_.push(mail.upstream, mail.accepted_at, mail.id, mail.shop, mail.lane);
}

/// The book has weighed a sign about an address.
void Relay::on_weighed(const store::Weighed& weighed) {
  for (const records::SuppressionEntry& entry : weighed.listed) {
    const std::string id = std::to_string(entry.id);
    log::suppressed(log::ListEntry{id, entry.shop, entry.address, entry.reason, entry.dry_run},
                    entry.message, log::Answer{0, {}, entry.evidence});
  }
  if (weighed.parked) ++parked_;
  if (weighed.wave.news)
    log::wave_parked(weighed.wave.domain, static_cast<std::uint64_t>(weighed.wave.unknown),
                     static_cast<std::uint64_t>(weighed.wave.finals));
}

policy::ShopUsage Relay::usage_of(const std::string& shop, TimePoint at) {
  store::UsageQuery query;
  query.to = billing_day(at);
  query.from = query.to;
  query.shop = shop;
  policy::ShopUsage usage;
  usage.messages_today = static_cast<std::uint64_t>(inquiry_.total(query).messages);
  query.from = query.to.year() / query.to.month() / 1;
  usage.yen_this_month = inquiry_.total(query).amount;
  return usage;
}

intake::Ports Relay::intake_ports() {
  intake::Ports ports{
      context_.get_executor(), workers_, *signer_, store_.writer(), suppression_, {}, {}, {},
      listening_sockets(),     {}};
  ports.on_accepted = [this](intake::Accepted accepted) { on_accepted(std::move(accepted)); };
  ports.free_bytes = [this] { return store_.writer().short_of_space() ? 0 : store_.space().free; };
  ports.queued = [this] { return static_cast<std::uint64_t>(queued_); };
  ports.may_sign = [this](std::string_view domain, std::string_view selector) {
    return watch_.signs(domain, selector);
  };
  ports.usage_of = [this](const std::string& shop, TimePoint at) { return usage_of(shop, at); };
  return ports;
}

dispatch::Ports Relay::dispatch_ports() {
  dispatch::Ports ports{context_.get_executor(),
                        resolver_,
                        workers_,
                        store_.writer(),
                        store_.flights(),
                        {},
                        {},
                        {},
                        {},
                        {},
                        {},
                        {}};
  ports.read_body = [this](const Ulid& id, const records::Location& location) {
    return store_.read(id, location);
  };
  ports.waiting = [this](const Ulid& id) { return backlog_.of(id); };
  ports.post = [this](std::function<void()> work) { asio::post(context_, std::move(work)); };
  ports.listed = [this](const Ulid& message, const std::string& shop, const std::string& key,
                        TimePoint at) { return suppression_.find(shop, key, at, message); };
  ports.on_weighed = [this](const store::Weighed& weighed) { on_weighed(weighed); };
  ports.on_charged = [this](const std::string& shop, Money amount, TimePoint at) {
    reception_.charged(shop, amount, at);
  };
  ports.on_queued = [this](std::int64_t change) { queued_ += change; };
  return ports;
}

void Relay::watch_domains() { watch_.adopt(settings_of(site_), keys_of(*site_)); }

domains::WatchPorts Relay::watch_ports() {
  domains::WatchPorts ports{context_.get_executor(), workers_, store_.writer(), store_.book(), {}};
  ports.released = [this](const store::Released& released, TimePoint at) {
    queued_ += released.recipients;
    dispatcher_.push_asked(released.upstream, at, released.message);
  };
  return ports;
}

control::Ports Relay::control_ports() {
  control::Ports ports;
  ports.status = [this] { return status(); };
  ports.dns_records = [this] { return watch_.records(); };
  ports.settings = [this] { return settings_of(site_); };
  ports.explain = [this](const IpAddress& client, std::optional<std::string_view> domain) {
    return site_->admission.explain(client, domain);
  };
  ports.examine = [this](const control::DnsOrder& order) {
    return domains::examine_some(settings_of(site_), order.domain, order.resolver);
  };
  ports.retried = [this](const store::QueueFilter& filter, TimePoint at) {
    tasks_.spawn(push_matching(filter, at));
  };
  ports.withhold = [this](const std::string& upstream, const Ulid& message) {
    return dispatcher_.withhold(upstream, message);
  };
  ports.give_back = [this](const std::string& upstream, const Ulid& message) {
    dispatcher_.give_back(upstream, message);
  };
  ports.released = [this](const std::string& upstream, const Ulid& message, TimePoint at) {
    dispatcher_.push_asked(upstream, at, message);
  };
  ports.queued_by = [this](std::int64_t recipients) { queued_ += recipients; };
  ports.suppression_changed = [](const std::string&) {};  // the index asks the book itself
  ports.parked_by = [this](std::int64_t candidates) { parked_ += candidates; };
  ports.send_test = [this](control::TestMail mail) {
    intake::Trial trial{std::move(mail.shop), std::move(mail.recipient), std::move(mail.sender)};
    return intake::send_trial(reception_, reception_.site(), std::move(trial));
  };
  ports.reload = [this] { return reload(); };
  return ports;
}

/// The book has made these due: the index learns it.
asio::awaitable<void> Relay::push_matching(store::QueueFilter filter, TimePoint due) {
  auto reading = workers_.run([book = store_.book(), filter] {
    return store::Inquiry(book).queue(filter, records::State::queued, retried_at_once);
  });
  const std::vector<store::QueueRow> rows = co_await std::move(reading);
  for (const store::QueueRow& row : rows)
    dispatcher_.push_asked(row.upstream, due, row.recipient.message);
}

}  // namespace ecrelay

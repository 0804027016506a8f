#include "dispatch/upstream.h"

#include <chrono>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <utility>

#include "log/events.h"
#include "net/answer.h"

namespace ecrelay::dispatch {
namespace {

/// Bodies of messages just accepted are kept for their first attempt up to this much in all; beyond
/// it they are read back from the spool. DESIGN: delivery from memory straight after the commit.
constexpr std::size_t fresh_limit = 64 << 20;

/// Where a body could not be read back, or something unforeseen happened, an hour gives somebody
/// the time to look.
constexpr std::chrono::hours trouble_pause{1};

std::uint32_t random_number() {
  static thread_local std::mt19937 generator{std::random_device{}()};
  return static_cast<std::uint32_t>(generator());
}

std::optional<net::TlsClient> tls_client(const config::Upstream& settings) {
  if (settings.tls == config::UpstreamTls::off) return std::nullopt;
  const bool verify =
      settings.tls == config::UpstreamTls::verify || settings.tls == config::UpstreamTls::implicit;
  std::string ca;
  if (settings.ca) {
    std::ifstream file(*settings.ca);
    ca.assign(std::istreambuf_iterator<char>(file), {});
    if (ca.empty())
      throw std::runtime_error("upstream '" + settings.name + "': cannot read ca " +
                               settings.ca->string());
  }
  auto client = verify ? net::TlsClient::verifying(ca) : net::TlsClient::unverified();
  if (!client)
    throw std::runtime_error("upstream '" + settings.name + "': " + client.error().detail);
  return std::move(*client);
}

}  // namespace

Upstream::Upstream(Ports& ports, const config::Upstream& settings, const Rules& rules,
                   std::string hostname)
    : ports_(ports),
      settings_(settings),
      rules_(rules),
      hostname_(std::move(hostname)),
      tls_(tls_client(settings)),
      servers_(settings.servers, settings.breaker),
      open_connections_(settings.servers.size(), 0),
      work_(ports.executor),
      clock_(ports.executor) {}

void Upstream::announce(Job job) {
  const Ulid id = job.id;
  const std::size_t bytes = job.head.size() + job.body->size();
  const TimePoint due = job.accepted_at;
  if (fresh_bytes_ + bytes <= fresh_limit) {
    fresh_bytes_ += bytes;
    fresh_.emplace(id, std::move(job));
  }
  push(due, id);
}

void Upstream::push(TimePoint due, const Ulid& message) {
  due_.push(due, message);
  if (due <= now()) {
    grow();
  } else {
    clock_.notify_all();
  }
}

bool Upstream::withhold(const Ulid& message) {
  if (in_flight_.contains(message)) return false;
  in_flight_[message].holds = 1;
  return true;
}

void Upstream::give_back(const Ulid& message) {
  // What is kept in memory says nothing of the change: the next attempt asks the book.
  if (auto fresh = fresh_.extract(message))
    fresh_bytes_ -= fresh.mapped().head.size() + fresh.mapped().body->size();
  let_go(message);
}

void Upstream::start(net::TaskGroup& group) {
  group_ = &group;
  group.spawn(keep_time());
}

void Upstream::drain() {
  draining_ = true;
  work_.notify_all();
  clock_.notify_all();
}

/// Gives due work to an idle connection, or to a new one.
void Upstream::grow() {
  if (group_ == nullptr || draining_ || ports_.writer.stalled() || !due_.has_due(now())) return;
  if (work_.waiting() > 0) {
    work_.notify_one();
  } else if (connections_ < settings_.connections &&
             servers_.any_available(std::chrono::steady_clock::now())) {
    group_->spawn(serve(Counted(connections_)));
  }
}

/// Wakes the pool when the next message falls due or a closed server may be tried again.
asio::awaitable<void> Upstream::keep_time() {
  // The wall clock may jump: it is looked at again at least this often.
  constexpr std::chrono::seconds longest_sleep{5};
  while (!draining_) {
    grow();
    const auto steady = std::chrono::steady_clock::now();
    auto sleep = std::chrono::steady_clock::duration(longest_sleep);
    const TimePoint wall = now();
    if (const auto next = due_.next_due(); next && *next > wall) {
      sleep = std::min<std::chrono::steady_clock::duration>(sleep, *next - wall);
    }
    if (const auto trial = servers_.next_trial(steady); trial && *trial > steady) {
      sleep = std::min(sleep, *trial - steady);
    }
    co_await clock_.wait_until(steady + sleep);
  }
}

/// The life of one connection's coroutine: a job first, then a server for it, then job after job.
/// `counted` from the moment it is asked for, so that no more are asked for than may be.
asio::awaitable<void> Upstream::serve(Counted) {
  Courier courier(settings_, tls_, ports_.resolver, hostname_);
  std::exception_ptr failure;
  try {
    co_await serve_with(courier);
  } catch (...) {
    failure = std::current_exception();
  }
  co_await courier.close();
  if (failure) std::rethrow_exception(failure);
}

asio::awaitable<void> Upstream::serve_with(Courier& courier) {
  // What is sent while outcomes cannot be written would be sent again after a crash.
  while (!draining_ && !ports_.writer.stalled()) {
    std::optional<Job> job = co_await take_job();
    if (!job) {
      if (!courier.usable()) co_return;
      const bool more = co_await wait_for_work();
      if (!more) co_return;
      continue;
    }
    grow();
    const bool carried = co_await carry(courier, *job);
    let_go(job->id);
    if (!carried || !courier.usable() ||
        courier.transactions() >= settings_.messages_per_connection)
      co_return;
  }
}

/// One job over this connection, made first when there is none. False: this connection is of no
/// use. The fence of a delivery attempt: what nobody expected defers the message and stays here.
asio::awaitable<bool> Upstream::carry(Courier& courier, Job& job) {
  try {
    if (!courier.usable()) {
      const bool opened = co_await open_any(courier, job);
      if (!opened) co_return false;
    }
    co_await transact(courier, job);
    co_return true;
  } catch (const net::IoError&) {
    throw;  // told to stop
  } catch (const std::exception& error) {
    log::internal_error("delivery", job.id.text() + ": " + error.what());
    in_flight_[job.id].due_by(now() + trouble_pause);
    co_return false;
  }
}

asio::awaitable<bool> Upstream::wait_for_work() {
  co_return co_await work_.wait_until(net::after(settings_.timeouts.idle));
}

/// The next due message with all it needs, marked as in flight; nothing when none is due.
asio::awaitable<std::optional<Job>> Upstream::take_job() {
  for (;;) {
    const std::optional<Ulid> id = due_.pop_due(now());
    if (!id) co_return std::nullopt;
    Flight& flight = in_flight_[*id];
    if (flight.holds > 0) {
      flight.due_by(now());
      continue;
    }
    flight.holds = 1;
    Job job;
    if (auto fresh = fresh_.extract(*id)) {
      job = std::move(fresh.mapped());
      fresh_bytes_ -= job.head.size() + job.body->size();
    } else {
      auto items = ports_.waiting(*id);
      const TimePoint at = now();
      std::erase_if(items, [&](const store::QueueItem& item) {
        if (policy::is_due(rules_.retry, item.due, at)) return false;
        flight.due_by(item.due);
        return true;
      });
      if (items.empty()) {
        let_go(*id);
        continue;
      }
      job = job_of(items);
    }
    if (job.body) co_return job;
    const bool read = co_await fetch_body(job);
    if (read) co_return job;
  }
}

asio::awaitable<bool> Upstream::fetch_body(Job& job) {
  auto reading = ports_.workers.run([&ports = ports_, id = job.id, location = job.location] {
    return ports.read_body(id, location);
  });
  Result<records::Body> body = co_await std::move(reading);
  if (body) {
    job.head = std::move(body->head);
    job.body = std::make_shared<const std::string>(std::move(body->body));
    co_return true;
  }
  // One message that cannot be read must not stop the others: it waits, and is shouted about.
  log::store_trouble("read body", job.id.text() + ": " + body.error().detail);
  in_flight_[job.id].due_by(now() + trouble_pause);
  let_go(job.id);
  co_return false;
}

/// Opens the courier to the best server that answers. When none does, the job's attempt has failed
/// at the last one tried.
asio::awaitable<bool> Upstream::open_any(Courier& courier, const Job& job) {
  const auto began = std::chrono::steady_clock::now();
  std::vector<bool> tried(servers_.size(), false);
  bool any = false;
  for (;;) {
    const auto server = servers_.pick(std::chrono::steady_clock::now(), random_number(), tried);
    if (!server) break;
    tried[*server] = true;
    any = true;
    const config::Server& settings = servers_[*server];
    const bool opened = co_await courier.open(settings);
    if (opened) {
      servers_.succeeded(*server);
      courier.assign(open_connections_[*server]);
      co_return true;
    }
    const smtp::RecipientResult& result = courier.failure().result;
    servers_.failed(*server, std::chrono::steady_clock::now(),
                    std::string(smtp::to_text(result.stage)) + ": " + result.reply.line());
    log::upstream_trouble(settings_.name, courier.failure().server, smtp::to_text(result.stage),
                          log::Answer{result.reply.code, result.reply.enhanced, result.reply.text});
  }
  clock_.notify_all();
  if (!any) {  // another connection has the trial: nothing was tried for this message
    in_flight_[job.id].due_by(now());
    co_return false;
  }
  const std::vector<smtp::RecipientResult> results(job.recipients.size(), courier.failure().result);
  conclude_and_settle(job, results, attempted_by(courier, began));
  co_return false;
}

/// All recipients of the job, in as many transactions as the upstream's limit asks for.
asio::awaitable<void> Upstream::transact(Courier& courier, Job& job) {
  std::vector<Job::Recipient> rest = std::move(job.recipients);
  while (!rest.empty() && courier.usable()) {
    const auto began = std::chrono::steady_clock::now();
    const auto count = static_cast<std::ptrdiff_t>(
        std::min<std::size_t>(settings_.recipients_per_message, rest.size()));
    job.recipients.assign(rest.begin(), rest.begin() + count);
    rest.erase(rest.begin(), rest.begin() + count);
    const auto results = co_await courier.deliver(job);
    conclude_and_settle(job, results, attempted_by(courier, began));
  }
  // Where the connection ended early, the rest has not been tried: it is due as it was.
  if (!rest.empty()) in_flight_[job.id].due_by(now());
}

Attempted Upstream::attempted_by(const Courier& courier,
                                 std::chrono::steady_clock::time_point began) const {
  Attempted attempted;
  attempted.upstream = settings_.name;
  attempted.server = courier.server();
  attempted.server_host = courier.server_host();
  attempted.tls = courier.tls();
  attempted.at = now();
  attempted.took = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began);
  return attempted;
}

void Upstream::conclude_and_settle(const Job& job,
                                   const std::vector<smtp::RecipientResult>& results,
                                   Attempted attempted) {
  Conclusion conclusion = conclude(job, results, attempted, rules_, random_number());
  // What is told and counted once the book has it; neither header nor body is copied for that.
  auto kept = std::make_shared<Job>();
  kept->id = job.id;
  kept->shop = job.shop;
  kept->sender = job.sender;
  kept->recipients = job.recipients;
  ++in_flight_[job.id].holds;
  group_->spawn(settle(std::move(kept), std::move(conclusion), std::move(attempted)));
}

asio::awaitable<void> Upstream::settle(std::shared_ptr<const Job> job, Conclusion conclusion,
                                       Attempted attempted) {
  net::Answer<Result<void>> answer(ports_.executor);
  ports_.writer.record(conclusion.outcome, answer.done());
  const Result<void> recorded = co_await answer.result();
  if (!recorded) {
    log::charge_failed(delivery(*job, 0, attempted), recorded.error().detail);
    // The message stays in flight: what the book does not know must not be sent again by this
    // process. A broken book ends it; the next start reads the book.
    co_return;
  }
  tell(*job, conclusion, attempted);
  account(*job, conclusion);
  let_go(job->id);
}

void Upstream::let_go(const Ulid& message) {
  const auto flight = in_flight_.find(message);
  if (--flight->second.holds > 0) return;
  const std::optional<TimePoint> next = flight->second.next;
  in_flight_.erase(flight);
  if (next) push(*next, message);
}

void Upstream::account(const Job& job, const Conclusion& conclusion) {
  std::int64_t finished = 0;
  for (const Concluded& each : conclusion.recipients) {
    switch (each.state) {
      case records::State::sent:
        ++tally_.sent;
        break;
      case records::State::bounced:
        ++tally_.bounced;
        break;
      case records::State::expired:
        ++tally_.expired;
        break;
      default:
        ++tally_.deferred;
        in_flight_[job.id].due_by(each.due);
        continue;
    }
    ++finished;
  }
  if (conclusion.charged > Money())
    ports_.on_charged(job.shop, conclusion.charged, conclusion.outcome.at);
  if (finished > 0) ports_.on_finished(finished);
}

log::Delivery Upstream::delivery(const Job& job, std::size_t index,
                                 const Attempted& attempted) const {
  log::Delivery told;
  told.id = job.id;
  told.rcpt = job.recipients[index].n;
  told.shop = job.shop;
  told.sender = job.sender;
  told.recipient = job.recipients[index].address;
  told.upstream = attempted.upstream;
  told.server = attempted.server;
  told.attempt = job.recipients[index].attempts + 1;
  told.ms = attempted.took;
  return told;
}

void Upstream::tell(const Job& job, const Conclusion& conclusion,
                    const Attempted& attempted) const {
  for (std::size_t i = 0; i < conclusion.recipients.size(); ++i) {
    const Concluded& each = conclusion.recipients[i];
    const log::Delivery told = delivery(job, i, attempted);
    const log::Answer answer{each.result.reply.code, each.result.reply.enhanced,
                             each.result.reply.text};
    switch (each.state) {
      case records::State::sent:
        log::message_sent(told, answer);
        break;
      case records::State::bounced:
        log::message_bounced(told, answer, each.verdict.reason);
        break;
      case records::State::expired:
        log::message_expired(told, answer);
        break;
      default:
        log::message_deferred(told, answer, each.verdict.reason, each.due);
    }
  }
  for (const records::SuppressionEntry& entry : conclusion.outcome.suppressions) {
    log::suppressed(log::ListEntry{{}, entry.shop, entry.address, entry.reason}, entry.message,
                    log::Answer{0, {}, entry.evidence});
  }
}

UpstreamState Upstream::state() const {
  UpstreamState state;
  state.name = settings_.name;
  state.connections = connections_;
  state.idle = work_.waiting();
  state.in_flight = in_flight_.size();
  state.waiting = due_.size();
  state.tally = tally_;
  state.limit = settings_.connections;
  const auto steady = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    UpstreamState::Server server;
    server.address = servers_[i].address.text();
    server.trouble = servers_.trouble(i);
    server.connections = open_connections_[i];
    if (servers_.closed(i, steady)) {
      server.closed_until =
          now() + std::chrono::duration_cast<Duration>(servers_.closed_until(i) - steady);
    }
    state.servers.push_back(std::move(server));
  }
  return state;
}

}  // namespace ecrelay::dispatch

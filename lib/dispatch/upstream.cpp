#include "dispatch/upstream.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <random>
#include <utility>

#include "log/events.h"
#include "log/failure.h"
#include "policy/verdict.h"

namespace ecrelay::dispatch {
namespace {

/// Where a body is damaged or gone, or something unforeseen happened, an hour gives somebody the
/// time to look.
constexpr std::chrono::hours trouble_pause{1};
/// What may work later: a disk, a descriptor.
constexpr std::chrono::minutes brief_pause{1};

/// A message that servers fail goes to the next one at once, but not around the whole pool: it may
/// be what makes them fail.
constexpr int most_moves = 2;

std::uint32_t random_number() {
  static thread_local std::mt19937 generator{std::random_device{}()};
  return static_cast<std::uint32_t>(generator());
}

/// The server is at fault, and the message has not been there: its body was not sent.
bool can_move(const smtp::RecipientResult& result) {
  if (result.origin == smtp::Origin::local || result.stage == smtp::Stage::dot) return false;
  return result.origin == smtp::Origin::trouble || policy::verdict_of(result).stop_server;
}

/// A kept connection turned out to be closed when it was used again: nobody's fault.
bool was_closed(const smtp::RecipientResult& result) {
  return result.stage == smtp::Stage::mail &&
         (result.origin == smtp::Origin::trouble || result.reply.code == 421);
}

}  // namespace

Upstream::Upstream(Ports& ports, BodyMemory& memory, std::shared_ptr<const Route> route,
                   const Rules& rules)
    : ports_(ports),
      memory_(memory),
      rules_(rules),
      pool_(std::make_shared<Pool>(std::move(route))),
      workload_(ports, memory, settings(), rules, [this] { stir(); }),
      recorder_(ports, rules),
      work_(ports.executor),
      clock_(ports.executor),
      tasks_(ports.executor, log::failure_teller("delivery")) {}

void Upstream::start() {
  started_ = true;
  tasks_.spawn(keep_time());
}

void Upstream::adopt(std::shared_ptr<const Route> route) {
  if (route == pool_->route) return;
  pool_ = std::make_shared<Pool>(std::move(route));
  next_start_ = Steady();
  workload_.adopt(settings().destinations);
  // Idle connections see that they are of no use any more; the time keeper looks at new limits.
  work_.notify_all();
  clock_.notify_all();
}

bool Upstream::is_empty() const {
  return connections_ == 0 && workload_.waiting() == 0 && workload_.in_flight() == 0;
}

void Upstream::drain() {
  draining_ = true;
  work_.notify_all();
  clock_.notify_all();
  memory_.freed().notify_all();
}

asio::awaitable<void> Upstream::stop(net::Deadline deadline) {
  const bool ended = co_await tasks_.join(deadline);
  if (ended) co_return;
  tasks_.request_stop();
  co_await tasks_.join(net::after(std::chrono::seconds(5)));
}

void Upstream::stir() {
  grow();
  if (next_wake(std::chrono::steady_clock::now()) < wake_at_) clock_.notify_all();
}

/// Gives due work to an idle connection, or to a new one.
void Upstream::grow() {
  if (!started_ || draining_ || ports_.writer.stalled() || !workload_.has_due()) return;
  if (paced(std::chrono::steady_clock::now())) return;
  if (work_.waiting() > 0) {
    work_.notify_one();
  } else if (connections_ < settings().connections && pool_->servers.any_available()) {
    tasks_.spawn(serve(Counted(connections_)));
  }
}

/// Wakes the pool when the next message may go, and probes servers that were left alone long
/// enough.
asio::awaitable<void> Upstream::keep_time() {
  while (!draining_) {
    const Steady steady = std::chrono::steady_clock::now();
    workload_.keep_time(steady);
    while (const auto server = pool_->servers.pick_for_probe(steady))
      tasks_.spawn(probe(pool_, *server));
    grow();
    wake_at_ = next_wake(steady);
    co_await clock_.wait_until(wake_at_);
  }
}

Upstream::Steady Upstream::next_wake(Steady steady) const {
  // The wall clock may jump: it is looked at again at least this often.
  constexpr std::chrono::seconds longest_sleep{5};
  Steady wake = steady + longest_sleep;
  if (const auto due = workload_.next_wake(steady)) wake = std::min(wake, *due);
  if (const auto probe = pool_->servers.next_probe()) wake = std::min(wake, *probe);
  if (paced(steady)) wake = std::min(wake, next_start_);
  return wake;
}

/// A connection to a server whose breaker is open, up to the point where mail would go.
asio::awaitable<void> Upstream::probe(std::shared_ptr<Pool> pool, std::size_t server) {
  Courier courier(pool, ports_.resolver, rules_.hostname);
  const bool opened = co_await courier.open(server);
  if (opened) {
    pool->servers.came_through(server);
    grow();
  } else {
    blame(*pool, server, courier.failure().server, courier.failure().result);
  }
  clock_.notify_all();
  co_await courier.close();
}

/// The life of one connection's coroutine: a job first, then a server for it, then job after job.
/// `counted` from the moment it is asked for, so that no more are asked for than may be.
asio::awaitable<void> Upstream::serve(Counted counted) {
  Courier courier(pool_, ports_.resolver, rules_.hostname);
  std::exception_ptr failure;
  try {
    co_await serve_with(courier);
  } catch (...) {
    failure = std::current_exception();
  }
  if (const auto server = courier.place()) courier.pool().servers.unused(*server);
  co_await courier.close();
  const bool outdated = &courier.pool() != pool_.get();
  { const Counted gone = std::move(counted); }
  if (outdated) grow();  // another takes its place
  if (failure) std::rethrow_exception(failure);
}

bool Upstream::may_go_on(const Courier& courier) const {
  // What is sent while outcomes cannot be written would be sent again after a crash.
  return !draining_ && !ports_.writer.stalled() && &courier.pool() == pool_.get();
}

asio::awaitable<void> Upstream::serve_with(Courier& courier) {
  while (may_go_on(courier)) {
    std::optional<Job> job = co_await take_job();
    if (!job) {
      if (!courier.usable()) co_return;
      const bool more = co_await wait_for_work();
      if (!more) co_return;
      continue;
    }
    grow();
    const bool carried = co_await carry(courier, *job);
    workload_.finish(*job);
    if (!carried || !courier.usable() ||
        courier.transactions() >= courier.pool().settings().messages_per_connection)
      co_return;
  }
}

/// The fence of a delivery attempt: what nobody expected defers the message and stays here.
asio::awaitable<bool> Upstream::carry(Courier& courier, Job& job) {
  try {
    co_return co_await deliver(courier, job);
  } catch (const net::IoError&) {
    throw;  // told to stop
  } catch (const std::exception& error) {
    log::internal_error("delivery", job.id.text() + ": " + error.what());
    workload_.put_off(job.id, now() + trouble_pause);
    co_return false;
  }
}

/// One job over this connection, made first when there is none, and over others where the server
/// fails it. False: this connection is of no use.
asio::awaitable<bool> Upstream::deliver(Courier& courier, Job& job) {
  const Servers& servers = courier.pool().servers;
  std::vector<bool> tried(servers.size(), false);
  for (int moves = 0; moves <= most_moves; ++moves) {
    if (!courier.usable()) {
      const bool opened = co_await open_any(courier, job, tried);
      if (!opened) co_return false;
    }
    const bool was_idle = courier.transactions() > 0;
    if (!was_idle) tried[*courier.place()] = true;
    const bool elsewhere = moves < most_moves && (was_idle || servers.any_available(tried));
    co_await transact(courier, job, elsewhere);
    if (job.recipients.empty()) co_return true;
    co_await courier.close();
  }
  // Where the connections ended early, the rest has not been tried: it is due as it was.
  workload_.put_off(job.id, now());
  co_return false;
}

asio::awaitable<bool> Upstream::wait_for_work() {
  if (draining_) co_return false;
  co_return co_await work_.wait_until(net::after(settings().timeouts.idle));
}

/// The next due message with all it needs, marked as in flight; nothing when none may go.
asio::awaitable<std::optional<Job>> Upstream::take_job() {
  while (!draining_) {
    const Steady steady = std::chrono::steady_clock::now();
    if (paced(steady)) {
      clock_.notify_all();
      co_return std::nullopt;
    }
    std::optional<Job> job = workload_.take();
    if (!job) co_return std::nullopt;
    if (settings().messages_per_second)
      next_start_ = steady + std::chrono::nanoseconds(std::chrono::seconds(1)) /
                                 *settings().messages_per_second;
    if (!job->body) {
      const bool read = co_await fetch_body(*job);
      if (!read) continue;
    }
    co_return job;
  }
  co_return std::nullopt;
}

/// False: the relay stops before there is room, and the job is due as it was.
asio::awaitable<bool> Upstream::await_memory(Job& job) {
  while (!workload_.claim_memory(job)) {
    if (draining_) {
      workload_.put_off(job.id, now());
      workload_.finish(job);
      co_return false;
    }
    co_await memory_.freed().wait();
  }
  co_return true;
}

asio::awaitable<bool> Upstream::fetch_body(Job& job) {
  const bool room = co_await await_memory(job);
  if (!room) co_return false;
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
  const bool passing = body.error().code == ErrorCode::unavailable;
  workload_.put_off(job.id, now() + (passing ? Duration(brief_pause) : Duration(trouble_pause)));
  workload_.finish(job);
  co_return false;
}

/// The result is the server's fault: it counts against it, and is told.
void Upstream::blame(Pool& pool, std::size_t server, const std::string& address,
                     const smtp::RecipientResult& result) {
  pool.servers.failed(server, std::chrono::steady_clock::now(),
                      std::string(smtp::to_text(result.stage)) + ": " + result.reply.line());
  log::upstream_trouble(pool.settings().name, address, smtp::to_text(result.stage),
                        log::Answer{result.reply.code, result.reply.enhanced, result.reply.text});
}

/// Opens the courier to the best server that answers. When none does, the job's attempt has failed
/// at the last one tried.
asio::awaitable<bool> Upstream::open_any(Courier& courier, const Job& job,
                                         std::vector<bool>& tried) {
  const Steady began = std::chrono::steady_clock::now();
  Pool& pool = courier.pool();
  bool any = false;
  while (const auto server = pool.servers.pick(random_number(), tried)) {
    any = true;
    const bool opened = co_await courier.open(*server);
    if (opened) {
      courier.assign(*server);
      co_return true;
    }
    tried[*server] = true;
    blame(pool, *server, courier.failure().server, courier.failure().result);
  }
  clock_.notify_all();
  if (!any) {  // other connections have what servers there are: nothing was tried for this message
    workload_.put_off(job.id, now());
    co_return false;
  }
  const std::vector<smtp::RecipientResult> results(job.recipients.size(), courier.failure().result);
  conclude_and_settle(job, results, attempted_by(courier, job, began));
  co_return false;
}

/// The recipients of the job, in as many transactions as the upstream's limit asks for, until the
/// connection ends. Afterwards the job has those that are to be tried elsewhere: they were not
/// tried here, or with `may_move`, the server failed them before it had the body.
asio::awaitable<void> Upstream::transact(Courier& courier, Job& job, bool may_move) {
  std::vector<Job::Recipient> rest = std::move(job.recipients);
  std::vector<Job::Recipient> elsewhere;
  while (!rest.empty() && courier.usable()) {
    const Steady began = std::chrono::steady_clock::now();
    take_batch(courier.pool(), job, rest);
    const bool was_idle = courier.transactions() > 0;
    auto results = co_await courier.deliver(job, ports_.flights);
    const store::Flights::Slot slot = courier.take_flight();
    judge_server(courier, results, was_idle);
    for (std::size_t i = job.recipients.size(); may_move && i-- > 0;) {
      if (!can_move(results[i])) continue;
      elsewhere.push_back(std::move(job.recipients[i]));
      job.recipients.erase(job.recipients.begin() + static_cast<std::ptrdiff_t>(i));
      results.erase(results.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (results.empty()) {
      ports_.flights.landed(slot);
    } else {
      conclude_and_settle(job, results, attempted_by(courier, job, began), slot);
    }
  }
  elsewhere.insert(elsewhere.end(), std::make_move_iterator(rest.begin()),
                   std::make_move_iterator(rest.end()));
  job.recipients = std::move(elsewhere);
}

/// The recipients of the next transaction. With a return path each has its own, so that the report
/// that comes back says whom it is about.
void Upstream::take_batch(const Pool& pool, Job& job, std::vector<Job::Recipient>& rest) const {
  const std::string* domain = rules_.return_path_domain(job.sender);
  const std::size_t most = domain != nullptr ? 1 : pool.settings().recipients_per_message;
  const auto count = static_cast<std::ptrdiff_t>(std::min(most, rest.size()));
  job.recipients.assign(rest.begin(), rest.begin() + count);
  rest.erase(rest.begin(), rest.begin() + count);
  if (domain == nullptr) return;
  const policy::ReturnPath path{job.id, job.recipients.front().n};
  job.return_path = rules_.return_paths->local_part(path, *domain, now()) + "@" + *domain;
}

/// What a transaction says about the server's health: a connection that is lost or told to go
/// (421) counts like one that could not be made.
void Upstream::judge_server(const Courier& courier,
                            const std::vector<smtp::RecipientResult>& results, bool was_idle) {
  const std::size_t server = *courier.place();
  const smtp::RecipientResult& last = results.back();
  if (was_idle && was_closed(last)) return;
  const bool failed = last.origin == smtp::Origin::trouble || policy::verdict_of(last).stop_server;
  if (!failed) return courier.pool().servers.succeeded(server);
  blame(courier.pool(), server, courier.server(), last);
  clock_.notify_all();
}

Attempted Upstream::attempted_by(const Courier& courier, const Job& job, Steady began) const {
  Attempted attempted;
  attempted.upstream = settings().name;
  attempted.server = courier.server();
  attempted.server_host = courier.server_host();
  attempted.tls = courier.tls();
  attempted.at = now();
  attempted.took = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began);
  attempted.excess_age = workload_.excess_age(job.accepted_at);
  return attempted;
}

void Upstream::conclude_and_settle(const Job& job,
                                   const std::vector<smtp::RecipientResult>& results,
                                   const Attempted& attempted, store::Flights::Slot slot) {
  workload_.heed_rates(job, results);
  auto ending = recorder_.conclude(job, results, attempted);
  workload_.hold(job.id);
  tasks_.spawn(settle(std::move(ending), slot));
}

void Upstream::recall(const Job& job, store::Flights::Slot slot) {
  smtp::RecipientResult unseen;
  unseen.stage = smtp::Stage::dot;
  unseen.reply = smtp::Reply(451, "4.4.2", "the relay ended before it had recorded the answer");
  Attempted attempted;
  attempted.upstream = settings().name;
  attempted.at = now();
  const std::vector<smtp::RecipientResult> results(job.recipients.size(), unseen);
  conclude_and_settle(job, results, attempted, slot);
}

asio::awaitable<void> Upstream::settle(std::shared_ptr<const Ending> ending,
                                       store::Flights::Slot slot) {
  const bool recorded = co_await recorder_.record(ending);
  // What the book does not know stays in flight, so that this process does not send it again. A
  // broken book ends the process; the next start reads the book.
  if (!recorded) co_return;
  ports_.flights.landed(slot);
  const Conclusion& conclusion = ending->conclusion;
  for (const Concluded& each : conclusion.recipients) {
    if (each.state == records::State::queued) workload_.put_off(ending->job.id, each.due);
  }
  if (const auto& report = conclusion.outcome.report) {
    workload_.push(report->message.accepted_at, report->message.id, report->message.shop,
                   report->message.lane);
  }
  workload_.let_go(ending->job.id);
}

UpstreamState Upstream::state() const {
  UpstreamState state;
  state.name = settings().name;
  state.connections = connections_;
  state.idle = work_.waiting();
  state.in_flight = workload_.in_flight();
  state.waiting = workload_.waiting();
  state.parked = workload_.destinations().parked();
  state.slowed = workload_.destinations().slowed();
  state.tally = recorder_.tally();
  state.limit = settings().connections;
  const Steady steady = std::chrono::steady_clock::now();
  const Servers& servers = pool_->servers;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    UpstreamState::Server server;
    server.address = servers[i].address.text();
    server.trouble = servers.trouble(i);
    server.connections = pool_->open_connections[i];
    if (servers.is_open(i)) {
      server.closed_until =
          now() + std::chrono::duration_cast<Duration>(servers.open_until(i) - steady);
    }
    state.servers.push_back(std::move(server));
  }
  return state;
}

}  // namespace ecrelay::dispatch

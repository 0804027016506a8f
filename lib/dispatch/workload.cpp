#include "dispatch/workload.h"

#include <chrono>
#include <utility>

#include "log/events.h"
#include "policy/retry.h"
#include "policy/verdict.h"

namespace ecrelay::dispatch {
namespace {

/// For so long after RCPT the suppression list is not asked again.
constexpr std::chrono::minutes listing_holds{1};
/// When the list or the book could not be asked or told, the message waits this long.
constexpr std::chrono::minutes trouble_pause{1};

Workload::Steady steady_now() { return std::chrono::steady_clock::now(); }

bool among(const std::vector<std::string>& list, const std::string& domain) {
  return std::find(list.begin(), list.end(), domain) != list.end();
}

}  // namespace

Workload::Workload(Ports& ports, BodyMemory& memory, const config::Upstream& settings,
                   const Rules& rules, std::function<void()> stir)
    : ports_(ports),
      memory_(memory),
      rules_(rules),
      stir_(std::move(stir)),
      destinations_(settings.destinations),
      clocks_(now(), steady_now()) {}

void Workload::adopt(const std::vector<config::Destination>& limits) {
  destinations_.set_limits(limits);
}

Agenda::Flow Workload::flow_of(const std::string& shop, records::Lane lane) {
  return agenda_.flow(shop, lane, rules_.shop(shop).weight);
}

void Workload::announce(Job job, records::Lane lane) {
  const Agenda::Turn turn{job.id, flow_of(job.shop, lane)};
  const TimePoint due = job.accepted_at;
  job.memory = memory_.keep(job.content_bytes());
  if (job.memory) fresh_.emplace(turn.message, std::move(job));
  push(due, turn);
}

void Workload::push(TimePoint due, const Ulid& message, const std::string& shop,
                    records::Lane lane) {
  push(due, Agenda::Turn{message, flow_of(shop, lane)});
}

void Workload::push(TimePoint due, const Agenda::Turn& turn) {
  agenda_.push(due, turn, now());
  stir_();
}

void Workload::push_ready(const std::vector<Agenda::Turn>& turns) {
  const TimePoint at = now();
  for (const Agenda::Turn& turn : turns) agenda_.push(at, turn, at);
  stir_();
}

std::optional<Job> Workload::take() {
  while (const auto turn = agenda_.pop_due(now())) {
    if (auto job = compile(*turn)) return job;
  }
  return std::nullopt;
}

std::optional<Job> Workload::compile(const Agenda::Turn& turn) {
  Flight& flight = in_flight_[turn.message];
  flight.flow = turn.flow;
  if (flight.holds > 0) {
    flight.due_by(now());
    return std::nullopt;
  }
  flight.holds = 1;
  Job job;
  if (auto fresh = fresh_.extract(turn.message)) {
    job = std::move(fresh.mapped());
  } else {
    job = job_from_book(turn.message, flight);
  }
  if (!job.body || now() - job.accepted_at > listing_holds) drop_listed(job);
  if (!job.recipients.empty() && enter_destinations(job, turn.flow)) {
    if (job.memory) ++in_hand_;
    return job;
  }
  let_go(turn.message);
  return std::nullopt;
}

Job Workload::job_from_book(const Ulid& message, Flight& flight) {
  std::vector<store::QueueItem> items;
  try {
    items = ports_.waiting(message);
  } catch (const store::Failure& failure) {
    // Whoever cannot tell what is queued waits; the message is not lost from the index for it.
    log::store_trouble("read queue", message.text() + ": " + failure.what());
    flight.due_by(now() + trouble_pause);
    return Job();
  }
  const TimePoint at = now();
  const Duration lead = clocks_.lead(steady_now());
  std::erase_if(items, [&](const store::QueueItem& item) {
    const TimePoint due = item.due - lead;
    if (policy::is_due(rules_.retry, due, at)) return false;
    flight.due_by(due);
    return true;
  });
  return items.empty() ? Job() : job_of(items);
}

/// Recipients that became listed while they waited end here, untried and free (P8).
void Workload::drop_listed(Job& job) {
  store::Outcome outcome;
  outcome.message = job.id;
  outcome.at = now();
  std::vector<std::pair<Job::Recipient, std::string>> dropped;
  std::erase_if(job.recipients, [&](const Job::Recipient& recipient) {
    const auto listing = ports_.listed(job.id, job.shop, recipient.key, outcome.at);
    if (!listing) {
      log::store_trouble("look up suppression", listing.error().detail);
      put_off(job.id, outcome.at + trouble_pause);
      return true;
    }
    if (!*listing) return false;
    const std::string entry = std::to_string((*listing)->entry);
    store::RecipientOutcome row;
    row.n = recipient.n;
    row.state = records::State::suppressed;
    row.reply = "on the suppression list (entry " + entry + ")";
    outcome.recipients.push_back(std::move(row));
    dropped.emplace_back(recipient, entry);
    return true;
  });
  if (dropped.empty()) return;
  hold(job.id);
  auto recorded = [this, id = job.id, shop = job.shop, sender = job.sender,
                   dropped = std::move(dropped)](const Result<void>& result) {
    if (!result) {
      log::store_trouble("drop listed", result.error().detail);
      put_off(id, now() + trouble_pause);
      return let_go(id);
    }
    const log::Mail mail{id, shop, {}, {}, sender};
    for (const auto& [recipient, entry] : dropped)
      log::suppressed_dropped(mail, recipient.n, recipient.address, entry);
    ports_.on_queued(-static_cast<std::int64_t>(dropped.size()));
    let_go(id);
  };
  ports_.writer.record(std::move(outcome), [this, recorded](const Result<void>& result) {
    ports_.post([recorded, result] { recorded(result); });
  });
}

/// Leaves those recipients in the job whose domains take one more transaction now; false when
/// there are none. For the others the message waits with the first domain that does not.
bool Workload::enter_destinations(Job& job, Agenda::Flow flow) {
  const Steady steady = steady_now();
  std::vector<std::string> full;
  std::erase_if(job.recipients, [&](const Job::Recipient& recipient) {
    const std::string domain = recipient.domain();
    if (among(job.domains, domain)) return false;
    if (among(full, domain)) return true;
    const bool entered = destinations_.enter(domain, steady);
    (entered ? job.domains : full).push_back(domain);
    return !entered;
  });
  if (!full.empty()) {
    destinations_.park(full.front(), Agenda::Turn{job.id, flow});
    stir_();
  }
  return !job.recipients.empty();
}

bool Workload::claim_memory(Job& job) {
  job.memory = memory_.fetch(job.content_bytes(), in_hand_ == 0);
  if (job.memory) ++in_hand_;
  return static_cast<bool>(job.memory);
}

void Workload::finish(const Job& job) {
  if (job.memory) --in_hand_;
  const Steady steady = steady_now();
  for (const std::string& domain : job.domains) {
    const auto turns = destinations_.leave(domain, steady);
    if (!turns.empty()) push_ready(turns);
  }
  let_go(job.id);
}

void Workload::let_go(const Ulid& message) {
  const auto flight = in_flight_.find(message);
  if (--flight->second.holds > 0) return;
  const Flight last = flight->second;
  in_flight_.erase(flight);
  if (last.next) push(*last.next, Agenda::Turn{message, last.flow});
}

bool Workload::withhold(const Ulid& message) {
  if (in_flight_.contains(message)) return false;
  hold(message);
  return true;
}

void Workload::give_back(const Ulid& message) {
  fresh_.erase(message);
  let_go(message);
}

void Workload::heed_rates(const Job& job, const std::vector<smtp::RecipientResult>& results) {
  const Steady steady = steady_now();
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].sent()) {
      destinations_.delivered(job.recipients[i].domain());
    } else if (results[i].stage >= smtp::Stage::rcpt &&
               policy::verdict_of(results[i]).about == policy::About::rate) {
      destinations_.slow_down(job.recipients[i].domain(), steady,
                              policy::delay_named_in(results[i].reply.text));
    }
  }
}

void Workload::keep_time(Steady steady) {
  const Duration jump = clocks_.look(now(), steady);
  if (jump != Duration(0)) log::clock_set(jump);
  if (jump < Duration(0)) agenda_.bring_forward(-jump);
  const auto turns = destinations_.ready(steady);
  if (!turns.empty()) push_ready(turns);
}

std::optional<Workload::Steady> Workload::next_wake(Steady steady) const {
  std::optional<Steady> wake = destinations_.next_ready();
  if (const auto due = agenda_.next_due()) {
    const Steady then = steady + std::max(*due - now(), Duration(1));
    wake = wake ? std::min(*wake, then) : then;
  }
  return wake;
}

}  // namespace ecrelay::dispatch

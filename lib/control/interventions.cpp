#include "control/interventions.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/arguments.h"
#include "control/criteria.h"
#include "control/json.h"
#include "core/escape.h"
#include "store/audit.h"
#include "store/intervention.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;
using records::State;

/// A change may not hold up the store thread: 10,000 recipients take it a fifth of a second.
constexpr std::size_t most_recipients = 10'000;
constexpr std::size_t most_named = 20;

struct Target {
  Ulid message;
  std::string upstream;
};

struct Intervention {
  State to = State::held;
  std::vector<Target> targets;
  std::optional<std::string> domain;
  records::AuditRow audit;
  bool more = false;  ///< not all at once

  std::vector<Target> in_delivery;  ///< left alone
  std::int64_t count = 0;
  std::int64_t queued_by = 0;
};

std::string names_of(const std::vector<Target>& targets) {
  std::string names;
  for (std::size_t i = 0; i < std::min(targets.size(), most_named); ++i)
    names += (names.empty() ? "" : " ") + targets[i].message.text();
  return names + (targets.size() > most_named ? " …" : "");
}

// --- carrying it out ----------------------------------------------------------------------

std::optional<Fault> withhold(Intervention& it, const Ports& ports) {
  const auto busy = std::stable_partition(
      it.targets.begin(), it.targets.end(),
      [&](const Target& each) { return ports.withhold(each.upstream, each.message); });
  it.in_delivery.assign(busy, it.targets.end());
  it.targets.erase(busy, it.targets.end());
  if (!it.targets.empty() || it.in_delivery.empty()) return std::nullopt;
  return Fault(FaultCode::conflict, names_of(it.in_delivery) +
                                        (it.in_delivery.size() == 1 ? " is" : " are") +
                                        " being delivered now; try again in a moment");
}

void give_back(const Intervention& it, const Ports& ports) {
  for (const Target& each : it.targets) ports.give_back(each.upstream, each.message);
}

void write_one(Intervention& it, store::Transaction& change, const store::Chosen& chosen) {
  switch (it.to) {
    case State::held: {
      const std::int64_t held = store::hold(change, chosen);
      it.count += held;
      it.queued_by -= held;
      return;
    }
    case State::queued: {
      const std::int64_t released = store::release(change, chosen, it.audit.at);
      it.count += released;
      it.queued_by += released;
      return;
    }
    default: {
      const std::string why = "cancelled by " + it.audit.actor +
                              (it.audit.reason.empty() ? "" : ": " + it.audit.reason);
      const store::Cancelled cancelled = store::cancel(change, chosen, it.audit.at, why);
      it.count += cancelled.queued + cancelled.held;
      it.queued_by -= cancelled.queued;
    }
  }
}

void write(Intervention& it, store::Transaction& change) {
  for (const Target& each : it.targets)
    write_one(it, change, store::Chosen{each.message, it.domain});
  if (it.count == 0) return;
  it.audit.detail = std::to_string(it.count) + " recipients " + std::string(records::text(it.to));
  store::audit(change, it.audit);
}

Reply tell(const Intervention& it, const Ports& ports) {
  if (it.to != State::queued) {
    give_back(it, ports);
  } else {
    for (const Target& each : it.targets) ports.released(each.upstream, each.message, it.audit.at);
  }
  if (it.count == 0) {
    const std::string which = it.to == State::queued ? "held"
                              : it.to == State::held ? "queued"
                                                     : "queued or held";
    return Fault(FaultCode::not_found, "nothing " + which + ": " + it.audit.target);
  }
  ports.queued_by(it.queued_by);
  tell_log(it.audit);
  json::array in_delivery;
  for (const Target& each : it.in_delivery) in_delivery.emplace_back(each.message.text());
  json::object answer;
  answer["state"] = records::text(it.to);
  answer["count"] = it.count;
  answer["in_delivery"] = std::move(in_delivery);
  answer["more"] = it.more;
  return answer;
}

// --- planning -----------------------------------------------------------------------------

std::optional<Error> find_named(Intervention& it, const std::vector<Ulid>& messages,
                                store::Inquiry& book) {
  for (const Ulid& id : messages) {
    const auto trace = book.trace(id);
    if (!trace) return not_found("no message " + id.text());
    it.targets.push_back(Target{id, trace->message.upstream});
  }
  return std::nullopt;
}

void find_matching(Intervention& it, const store::QueueFilter& filter, State from,
                   store::Inquiry& book) {
  std::set<Ulid> known;
  for (const Target& each : it.targets) known.insert(each.message);
  const auto rows = book.queue(filter, from, most_recipients);
  it.more = it.more || rows.size() == most_recipients;
  for (const store::QueueRow& row : rows)
    if (known.insert(row.recipient.message).second)
      it.targets.push_back(Target{row.recipient.message, row.upstream});
}

Change change_of(std::shared_ptr<Intervention> it) {
  Change change;
  // What is released waits for nobody, so nobody delivers it.
  if (it->to != State::queued) {
    change.begin = [it](const Ports& ports) { return withhold(*it, ports); };
    change.failed = [it](const Ports& ports) { give_back(*it, ports); };
  }
  change.work = [it](store::Transaction& rows) { write(*it, rows); };
  change.done = [it](const Ports& ports) { return tell(*it, ports); };
  return change;
}

Result<Change> plan(std::string action, State to, const Question& question, const Caller& caller) {
  Arguments given(question.arguments);
  auto it = std::make_shared<Intervention>();
  const std::vector<Ulid> messages = messages_in(given);
  store::QueueFilter filter;
  filter.shop = given.text("shop");
  filter.domain = domain_in(given);
  it->to = to;
  it->domain = filter.domain;
  it->audit = audit_row(std::move(action), question, caller);
  it->audit.reason = given.text("reason").value_or("");
  if (messages.empty() == !(filter.shop || filter.domain))
    given.wrong("say which: message ids, or a shop and (or) a domain");
  if (auto wrong = given.problem()) return *wrong;
  if (filter.shop) {
    if (auto unknown = unknown_shop(*filter.shop, question.settings)) return *unknown;
  }
  if (auto unknown = find_named(*it, messages, question.book)) return *unknown;
  if (messages.empty()) {
    if (to != State::queued) find_matching(*it, filter, State::queued, question.book);
    if (to != State::held) find_matching(*it, filter, State::held, question.book);
  }
  it->audit.target = messages.empty() ? in_words(filter).substr(1) : names_of(it->targets);
  return change_of(std::move(it));
}

}  // namespace

Result<Change> plan_hold(const Question& question, const Caller& caller) {
  return plan("queue hold", State::held, question, caller);
}

Result<Change> plan_release(const Question& question, const Caller& caller) {
  return plan("queue release", State::queued, question, caller);
}

Result<Change> plan_cancel(const Question& question, const Caller& caller) {
  return plan("queue cancel", State::cancelled, question, caller);
}

}  // namespace ecrelay::control

#include "dispatch/recorder.h"

#include <random>
#include <utility>

#include "dispatch/notice.h"
#include "net/answer.h"

namespace ecrelay::dispatch {
namespace {

using records::State;

std::uint32_t random_number() {
  static thread_local std::mt19937 generator{std::random_device{}()};
  return static_cast<std::uint32_t>(generator());
}

Job without_content(const Job& job) {
  Job facts;
  facts.id = job.id;
  facts.shop = job.shop;
  facts.sender = job.sender;
  facts.recipients = job.recipients;
  return facts;
}

log::Answer answer_of(const smtp::Reply& reply) {
  return log::Answer{reply.code, reply.enhanced, reply.text};
}

log::Delivery delivery(const Ending& ending, std::size_t index) {
  log::Delivery told;
  told.id = ending.job.id;
  told.rcpt = ending.job.recipients[index].n;
  told.shop = ending.job.shop;
  told.sender = ending.job.sender;
  told.recipient = ending.job.recipients[index].address;
  told.upstream = ending.attempted.upstream;
  told.server = ending.attempted.server;
  told.attempt = ending.job.recipients[index].attempts + 1;
  told.ms = ending.attempted.took;
  return told;
}

}  // namespace

std::shared_ptr<const Ending> Recorder::conclude(const Job& job,
                                                 const std::vector<smtp::RecipientResult>& results,
                                                 const Attempted& attempted) const {
  auto ending = std::make_shared<Ending>();
  ending->attempted = attempted;
  ending->conclusion = dispatch::conclude(job, results, attempted, rules_, random_number());
  add_report(job, attempted, rules_, new_ulid(attempted.at), ending->conclusion);
  ending->job = without_content(job);
  return ending;
}

asio::awaitable<bool> Recorder::record(std::shared_ptr<const Ending> ending) {
  net::Answer<Result<void>> answer(ports_.executor);
  ports_.writer.record(ending->conclusion.outcome, answer.done());
  const Result<void> recorded = co_await answer.result();
  if (!recorded) {
    log::charge_failed(delivery(*ending, 0), recorded.error().detail);
    co_return false;
  }
  tell(*ending);
  count(*ending);
  co_return true;
}

void Recorder::tell(const Ending& ending) const {
  const Conclusion& conclusion = ending.conclusion;
  for (std::size_t i = 0; i < conclusion.recipients.size(); ++i) {
    const Concluded& each = conclusion.recipients[i];
    const log::Delivery told = delivery(ending, i);
    const log::Answer answer = answer_of(each.result.reply);
    switch (each.state) {
      case State::sent:
        log::message_sent(told, answer);
        break;
      case State::bounced:
        log::message_bounced(told, answer, each.verdict.reason);
        break;
      case State::expired:
        log::message_expired(told, answer);
        break;
      case State::held:
        log::message_held(told, answer, each.verdict.reason);
        break;
      default:
        log::message_deferred(told, answer, each.verdict.reason, each.due);
    }
  }
  for (const store::Weighed& weighed : *conclusion.outcome.weighed) ports_.on_weighed(weighed);
  if (const auto& report = conclusion.outcome.report)
    log::report_queued(ending.job.id, report->message.id, report->message.shop,
                       report->recipients.front().address);
}

void Recorder::count(const Ending& ending) {
  const Conclusion& conclusion = ending.conclusion;
  std::int64_t queued = conclusion.outcome.report ? 1 : 0;
  tally_.attempts.observe(ending.attempted.took);
  tally_.charged = tally_.charged + conclusion.charged;
  if (conclusion.outcome.report) ++tally_.reports;
  for (const Concluded& each : conclusion.recipients) {
    if (each.verdict.in_doubt) ++tally_.in_doubt;
    if (each.state != State::queued) --queued;
    switch (each.state) {
      case State::sent:
        ++tally_.sent;
        tally_.delays.observe(conclusion.outcome.at - ending.job.id.time());
        break;
      case State::bounced:
        ++tally_.bounced;
        break;
      case State::expired:
        ++tally_.expired;
        break;
      default:
        ++tally_.deferred;
    }
  }
  if (conclusion.charged > Money())
    ports_.on_charged(ending.job.shop, conclusion.charged, conclusion.outcome.at);
  if (queued != 0) ports_.on_queued(queued);
}

}  // namespace ecrelay::dispatch

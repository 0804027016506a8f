#include "dispatch/job.h"

#include <algorithm>
#include <utility>

namespace ecrelay::dispatch {

namespace {

/// What a row of the book and a row of the queue say alike.
template <typename Row>
Job facts_of(const Row& row, const Ulid& id) {
  Job job;
  job.id = id;
  job.shop = row.shop;
  job.sender = row.sender;
  job.message_id = row.message_id;
  job.kind = row.kind;
  job.accepted_at = row.accepted_at;
  job.expires_at = row.expires_at;
  job.eight_bit = row.eight_bit;
  job.smtputf8 = row.smtputf8;
  job.location = row.location;
  return job;
}

}  // namespace

Job job_of(const records::Message& message, const std::vector<records::Recipient>& recipients,
           std::string head, std::shared_ptr<const std::string> body) {
  Job job = facts_of(message, message.id);
  for (const records::Recipient& each : recipients) {
    if (each.state != records::State::queued) continue;
    job.recipients.push_back(Job::Recipient{each.n, each.address, each.key, each.attempts, false});
  }
  job.head = std::move(head);
  job.body = std::move(body);
  return job;
}

Job job_of(const std::vector<store::QueueItem>& items) {
  Job job = facts_of(items.front(), items.front().message);
  for (const store::QueueItem& each : items) {
    job.recipients.push_back(
        Job::Recipient{each.n, each.address, each.key, each.attempts, each.warned});
  }
  return job;
}

store::Flight flight_of(const Job& job) {
  store::Flight flight{job.id, job.recipients.front().n, job.recipients.front().n};
  for (const Job::Recipient& each : job.recipients) {
    flight.first = std::min(flight.first, each.n);
    flight.last = std::max(flight.last, each.n);
  }
  return flight;
}

}  // namespace ecrelay::dispatch

#include "dispatch/job.h"

#include <utility>

namespace ecrelay::dispatch {

Job job_of(const records::Message& message, const std::vector<records::Recipient>& recipients,
           std::string head, std::shared_ptr<const std::string> body) {
  Job job;
  job.id = message.id;
  job.shop = message.shop;
  job.sender = message.sender;
  job.accepted_at = message.accepted_at;
  job.expires_at = message.expires_at;
  job.eight_bit = message.eight_bit;
  job.smtputf8 = message.smtputf8;
  job.location = message.location;
  for (const records::Recipient& each : recipients) {
    if (each.state != records::State::queued) continue;
    job.recipients.push_back(Job::Recipient{each.n, each.address, each.key, each.attempts});
  }
  job.head = std::move(head);
  job.body = std::move(body);
  return job;
}

Job job_of(const std::vector<store::QueueItem>& items) {
  const store::QueueItem& first = items.front();
  Job job;
  job.id = first.message;
  job.shop = first.shop;
  job.sender = first.sender;
  job.accepted_at = first.accepted_at;
  job.expires_at = first.expires_at;
  job.eight_bit = first.eight_bit;
  job.smtputf8 = first.smtputf8;
  job.location = first.location;
  for (const store::QueueItem& each : items) {
    job.recipients.push_back(Job::Recipient{each.n, each.address, each.key, each.attempts});
  }
  return job;
}

}  // namespace ecrelay::dispatch

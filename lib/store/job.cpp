#include "store/job.h"

#include <algorithm>

#include "store/messages.h"

namespace ecrelay::store {

using Phase = Ticket::Phase;

Ticket Ticket::fresh() {
  Ticket ticket;
  ticket.phase_ = std::make_shared<std::atomic<Phase>>(Phase::pending);
  return ticket;
}

bool Ticket::abandon() const {
  if (!phase_) return false;
  Phase expected = Phase::pending;
  return phase_->compare_exchange_strong(expected, Phase::abandoned) ||
         expected == Phase::abandoned;
}

bool AcceptJob::given_up() const { return *phase_ == Phase::abandoned; }

void AcceptJob::append(Spool& spool) {
  if (!has_open_recipient()) return;  // nobody will ever ask for the body
  acceptance_.message.location =
      spool.append(acceptance_.message.id, acceptance_.head, *acceptance_.body);
}

void AcceptJob::write(Transaction& change) {
  held_back_ = claim_trials(change, acceptance_.message, acceptance_.recipients, *rules_);
  first_ = insert(change, acceptance_.message, acceptance_.recipients);
  inserted_ = !first_;
}

std::optional<Ulid> AcceptJob::inserted() const {
  return inserted_ ? std::optional(acceptance_.message.id) : std::nullopt;
}

bool AcceptJob::settle() {
  Phase expected = Phase::pending;
  return phase_->compare_exchange_strong(expected, Phase::settled) || expected == Phase::settled;
}

void AcceptJob::answer() {
  if (!settle())
    done_(Abandoned{});
  else if (error())
    done_(Failed{error()->detail});
  else if (first_)
    done_(Duplicate{*first_});
  else
    done_(Stored{std::move(acceptance_), std::move(held_back_)});
}

void RecordJob::append(Spool& spool) {
  if (!outcome_.report) return;
  Acceptance& report = *outcome_.report;
  report.message.location = spool.append(report.message.id, report.head, *report.body);
}

void ReturnJob::append(Spool& spool) {
  if (!returned_.onward) return;
  Acceptance& mail = *returned_.onward;
  mail.message.location = spool.append(mail.message.id, mail.head, *mail.body);
}

bool AcceptJob::has_open_recipient() const {
  return std::any_of(acceptance_.recipients.begin(), acceptance_.recipients.end(),
                     [](const records::Recipient& each) { return records::is_open(each.state); });
}

}  // namespace ecrelay::store

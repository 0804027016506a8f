#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "dispatch/body_memory.h"
#include "records/message.h"
#include "store/flights.h"
#include "store/queue.h"

namespace ecrelay::dispatch {

/// A message with those of its recipients that are to be tried together.
struct Job {
  struct Recipient {
    std::uint32_t n = 0;
    std::string address;
    std::string key;
    std::uint32_t attempts = 0;  ///< before this one
    bool warned = false;         ///< the sender was told that it waits

    /// The domain that limits and reputation go by.
    std::string domain() const { return key.substr(key.rfind('@') + 1); }
  };

  Ulid id;
  std::string shop;
  std::string sender;  ///< "" is the null sender
  std::string message_id;
  records::Kind kind = records::Kind::mail;
  TimePoint accepted_at;
  TimePoint expires_at;
  bool eight_bit = false;
  bool smtputf8 = false;
  records::Location location;
  std::vector<Recipient> recipients;
  std::vector<std::string> domains;        ///< of recipients, that Destinations::enter() let pass
  std::optional<std::string> return_path;  ///< sender of the transaction at hand, when not `sender`
  std::string head;
  std::shared_ptr<const std::string> body;  ///< null: in the spool, at `location`
  BodyMemory::Share memory;                 ///< that head and body hold

  /// Of head and body, wherever they are.
  std::size_t content_bytes() const { return location.head_length + location.body_length; }
};

/// A job of a message accepted a moment ago, its body still in memory.
Job job_of(const records::Message& message, const std::vector<records::Recipient>& recipients,
           std::string head, std::shared_ptr<const std::string> body);

/// A job of what the book says is queued of one message (not empty); the body is in the spool.
Job job_of(const std::vector<store::QueueItem>& items);
/// A transaction with the job's recipients, which there are.
store::Flight flight_of(const Job& job);

}  // namespace ecrelay::dispatch

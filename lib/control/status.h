#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/histogram.h"
#include "core/money.h"
#include "core/time.h"
#include "store/state_directory.h"
#include "store/writer.h"

namespace ecrelay::control {

struct ListenerStatus {
  std::string address;  ///< really bound: "0.0.0.0:25"
  std::string tls;      ///< as in the configuration
  std::optional<TimePoint> certificate_ends;
};

struct ServerStatus {
  std::string address;  ///< "smtp.example.net:587"
  std::uint64_t connections = 0;
  std::optional<TimePoint> closed_until;  ///< its breaker is open
  std::string trouble;                    ///< the last one; "" when the last try worked
};

struct UpstreamStatus {
  std::string name;
  bool removed = false;           ///< from the configuration, and not yet empty
  std::uint64_t connections = 0;  ///< open now
  std::uint64_t limit = 0;
  std::uint64_t waiting = 0;  ///< messages, due or not
  std::uint64_t parked = 0;   ///< of them, for their recipients' domains
  std::uint64_t slowed = 0;   ///< recipient domains that asked for less
  std::vector<ServerStatus> servers;
  Histogram attempts{remote_bounds};  ///< seconds
  Histogram delays{delay_bounds};     ///< seconds from acceptance to sent
};

/// Answers to one SMTP verb.
struct VerbStatus {
  std::string verb;
  Histogram replies{quick_bounds};  ///< seconds
};

/// How often something was done for one of a few reasons since the start.
struct ReasonTotal {
  std::string reason;
  std::uint64_t times = 0;
};

/// What the relay did since its start; none of these ever falls.
struct Totals {
  std::uint64_t sessions = 0;
  std::uint64_t connections_refused = 0;  ///< no banner
  std::uint64_t messages_accepted = 0;
  std::uint64_t messages_rejected = 0;    ///< 4yz and 5yz at MAIL, RCPT or after the dot
  std::uint64_t recipients_accepted = 0;  ///< queued, suppressed and sandboxed
  std::uint64_t recipients_suppressed = 0;
  std::uint64_t recipients_sent = 0;
  std::uint64_t recipients_deferred = 0;  ///< attempts that ended so
  std::uint64_t recipients_bounced = 0;
  std::uint64_t recipients_expired = 0;
  std::uint64_t recipients_in_doubt = 0;  ///< attempts whose answer was lost after the body
  std::uint64_t reports_queued = 0;       ///< ours, to senders
  Money charged;
};

/// The daemon as it is now, from memory: no question to the book or the disk takes longer than
/// microseconds.
struct Status {
  std::string version;
  std::string node;
  TimePoint up_since;
  std::vector<ListenerStatus> listeners;
  bool accepting = false;
  std::string refusing;         ///< why not, when not accepting
  std::uint64_t sessions = 0;   ///< open now
  std::uint64_t queued = 0;     ///< recipients that dispatch holds
  std::uint64_t in_flight = 0;  ///< of them, being tried
  std::uint64_t parked = 0;     ///< candidates for the suppression list that wait for somebody
  std::vector<UpstreamStatus> upstreams;
  Totals totals;
  std::vector<ReasonTotal> reports_refused;  ///< by the reports listener
  std::vector<ReasonTotal> reports_put_off;
  store::WriterStatistics writer;
  bool writer_broken = false;
  std::vector<VerbStatus> verbs;
  Histogram signing{quick_bounds};  ///< seconds
  store::Space space;
};

boost::json::object to_json(const Status& status, TimePoint now);

}  // namespace ecrelay::control

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/network.h"
#include "core/time.h"
#include "core/ulid.h"
#include "log/log.h"

/// What the relay tells, one function an event: the operators' contract. Names and fields stay;
/// new ones may be added. Every line begins with ts (JST), level, event and node. Text fields
/// from anywhere go through core/escape.h (512 bytes each); empty texts are left out, and so are
/// code, rcpt and attempt when there is none. A null sender is "<>". Views are read during the
/// call only. Any thread. A call below the level costs next to nothing.
namespace ecrelay::log {

/// One row of the reference: what an operator may search for.
struct EventInfo {
  std::string_view name;
  Level level;
  std::string_view fields;  ///< separated by spaces, in the order written
  std::string_view meaning;
};
/// Every event there is, for the documentation and for tests.
std::span<const EventInfo> reference();

/// How often an event happened since start(), told or not, and when for the last time.
struct EventCount {
  std::string_view event;
  std::uint64_t count = 0;
  std::optional<TimePoint> last;
};
/// In the order of the reference; empty before start() and after stop().
std::vector<EventCount> counts();
/// How many of the events `suppress` were of suppression.dry_run.
std::uint64_t suppressed_in_dry_run();

// --- who and what -------------------------------------------------------------------------

/// A client's connection. Empty host: not (yet) known.
struct Peer {
  std::string_view session;
  IpAddress address;
  std::string_view host;
};

struct Mail {
  Ulid id;
  std::string_view shop;
  std::string_view session;
  std::string_view host;
  std::string_view sender;  ///< empty for <>
};

/// One recipient on its way out.
struct Delivery {
  Ulid id;
  std::uint64_t rcpt = 0;  ///< from 1
  std::string_view shop;
  std::string_view sender;  ///< empty for <>
  std::string_view recipient;
  std::string_view upstream;
  std::string_view server;  ///< of the upstream, "host:port"; empty before one was chosen
  std::uint32_t attempt = 0;
  Duration ms{};
};

/// A reply, ours or the upstream's. Code 0: there was none, text says what happened.
struct Answer {
  int code = 0;
  std::string_view enhanced;
  std::string_view text;
};

// --- the process --------------------------------------------------------------------------

void started(std::string_view version, std::string_view config);
/// Everything listens; `ms` since the start.
void ready(Duration ms);
void listening(std::string_view address, std::string_view tls);
void config_warning(std::string_view text);
/// The new configuration is in force.
void reloaded(std::string_view config, std::uint64_t changes);
/// The old one stayed.
void reload_failed(std::string_view config, std::string_view problem);
/// One of the changes: "changed" with both values, "added", "removed".
void setting_changed(std::string_view key, std::string_view change, std::string_view before,
                     std::string_view after);
void stopped(std::string_view reason, Duration ms);
/// A fence caught what nobody expected; `where` names the fence.
void internal_error(std::string_view where, std::string_view text);
/// A listener cannot accept; it goes on trying. `where` names it. Told once a time.
void accept_paused(std::string_view where, std::string_view text);

// --- sessions -----------------------------------------------------------------------------

/// No banner for this client: a stranger, or too many connections.
void connect_refused(const Peer& peer, const Answer& answer, std::string_view reason);

struct SessionSummary {
  std::uint64_t messages = 0;  ///< stored
  std::uint64_t rejects = 0;   ///< 4yz and 5yz replies
  std::string_view tls;        ///< "TLSv1.3", empty in clear
  std::string_view user;       ///< of a login
  std::string_view end;        ///< "quit", "timeout", "lost", …
  Duration ms{};
};
void session_ended(const Peer& peer, const SessionSummary& summary);
void tls_failed(const Peer& peer, std::string_view text);
/// `pause`: how long this login must wait before its next try counts.
void auth_failed(const Peer& peer, std::string_view user, Duration pause);

/// Refusals that came again and again; only connect_refused, tls_failed and auth_failed do.
void lines_left_out(std::string_view event, std::string_view client, std::uint64_t lines);

struct Acceptance {
  std::uint64_t recipients = 0;  ///< queued
  std::uint64_t suppressed = 0;  ///< accepted and dropped
  std::uint64_t size = 0;        ///< octets as stored
  std::string_view message_id;
  std::string_view mode;  ///< live, sink, hold
  Duration ms{};          ///< from the end of the body to our 250
};
void message_accepted(const Mail& mail, const Acceptance& acceptance);

/// A refusal of ours at MAIL, RCPT or after the dot.
struct Rejection {
  std::string_view stage;
  std::string_view shop;
  std::string_view sender;
  std::string_view recipient;
  std::string_view reason;  ///< the exact one; the peer got Answer::text
};
void message_rejected(const Peer& peer, const Rejection& rejection, const Answer& answer);
/// An accepted recipient that is on the suppression list: no delivery, no charge.
void suppressed_dropped(const Mail& mail, std::uint64_t rcpt, std::string_view recipient,
                        std::string_view entry);

// --- deliveries ---------------------------------------------------------------------------

void message_sent(const Delivery& delivery, const Answer& answer);
void message_deferred(const Delivery& delivery, const Answer& answer, std::string_view reason,
                      TimePoint due);
/// It may have been delivered, and the shop wants to decide itself.
void message_held(const Delivery& delivery, const Answer& answer, std::string_view reason);
void message_bounced(const Delivery& delivery, const Answer& answer, std::string_view reason);
void message_expired(const Delivery& delivery, const Answer& last);
/// Our report `report` about message `id` waits to be sent to the shop's address.
void report_queued(const Ulid& id, const Ulid& report, std::string_view shop,
                   std::string_view recipient);
/// Sent, and the book could not say so or take the charge: somebody must look.
void charge_failed(const Delivery& delivery, std::string_view text);
/// A connection, handshake, login or server of an upstream failed; `stage` as in SMTP.
void upstream_trouble(std::string_view upstream, std::string_view server, std::string_view stage,
                      const Answer& answer);

// --- the suppression list -----------------------------------------------------------------

struct ListEntry {
  std::string_view entry;  ///< id of the entry
  std::string_view shop;   ///< empty: for every shop
  std::string_view recipient;
  std::string_view reason;
  bool dry_run = false;  ///< it holds nobody back
};
/// `evidence` is the message and reply that put it there; `id` nothing when a person did.
void suppressed(const ListEntry& entry, std::optional<Ulid> id, const Answer& evidence);
void suppression_cleared(const ListEntry& entry, std::string_view actor);

/// So many of a domain's recipients are said not to exist that nobody believes it: hard signs are
/// parked from now on, until somebody decides (`suppression parked`).
void wave_parked(std::string_view domain, std::uint64_t unknown, std::uint64_t finals);

struct ReportSummary {
  Ulid id;
  std::uint64_t rcpt = 0;
  std::string_view shop;
  std::string_view recipient;
  std::string_view action;    ///< failed, delayed, complaint, …
  std::string_view decision;  ///< suppress, count, ignore, none
};
void report_read(const ReportSummary& report, const Answer& answer, std::string_view reason);
/// It was not carried on to the sender, who wants it.
void report_kept_back(const Ulid& id, std::string_view shop, std::string_view recipient,
                      std::string_view reason);

// --- the rest of the house ----------------------------------------------------------------

/// The book or the spool failed; `operation` as in "commit", "append segment".
void store_trouble(std::string_view operation, std::string_view text);
/// The wall clock was set, forward when positive.
void clock_set(Duration by);
void store_recovered(std::string_view text);
/// A record that a shop should publish is found in another state than before (`was`: "" for the
/// first time): `dns` when it is not in order, `dns_ok` when it is again.
struct DnsFinding {
  std::string_view domain;
  std::string_view record;  ///< "dkim r1", "spf", …
  std::string_view name;
  std::string_view type;
  std::string_view state;  ///< ok, waiting, absent, differs, unknown
  std::string_view was;
  std::string_view text;
};
void dns_found(const DnsFinding& finding);
/// pending, active, retiring, retired; `was` is "" for a key that is new.
void signing_key_changed(std::string_view domain, std::string_view selector, std::string_view state,
                         std::string_view was);
/// A JST month ("2026-11") is closed for good; `yen` is its exact net sum.
void month_closed(std::string_view month, std::string_view actor, std::string_view yen,
                  std::string_view sha256);
/// A shop has used `percent` of its limit ("day" or "month"): 80, then 100.
struct LimitUse {
  std::string_view shop;
  std::string_view limit;
  std::string_view used;  ///< messages, or exact yen
  std::string_view of;
  std::uint64_t percent = 0;
  TimePoint until;  ///< when the next day or month begins
};
void limit_used(const LimitUse& use);
/// A person did something over the control socket.
void admin_acted(std::string_view actor, std::string_view command, std::string_view text);

}  // namespace ecrelay::log

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.h"
#include "core/ulid.h"

/// The rows of the book as values. Everybody shares these types; only `store` reads and writes
/// them.
namespace ecrelay::records {

/// Where the spool keeps a message: a record at `offset` of segment file `segment`.
struct Location {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  std::uint32_t head_length = 0;
  std::uint32_t body_length = 0;

  bool operator==(const Location&) const = default;
};

/// Where a recipient stands. `queued` and `held` are open; every other state is final and never
/// changes again (the book itself refuses). In the equations held counts as queued.
enum class State { queued, held, sent, bounced, suppressed, expired, cancelled, sandboxed };

std::string_view text(State state);
std::optional<State> parse_state(std::string_view text);
constexpr bool is_open(State state) { return state == State::queued || state == State::held; }

/// How urgent a message is beside others (fair share between and within shops).
enum class Lane { transactional, bulk };

std::string_view text(Lane lane);
std::optional<Lane> parse_lane(std::string_view text);

/// Whose message it is. Only `mail` is ever charged and counts against a shop's limits; a `report`
/// is one of ours to the shop (RFC 3464) and is never answered by another one; a `test` is sent by
/// an operator.
enum class Kind { mail, report, test };

std::string_view text(Kind kind);
std::optional<Kind> parse_kind(std::string_view text);

/// One message in the queue: an accepted DATA or BDAT, or one of our own. Texts from outside are
/// kept as they came, unescaped: each sink escapes for its own grammar. "" means absent.
struct Message {
  Ulid id;
  TimePoint accepted_at;
  TimePoint expires_at;  ///< queued recipients end as `expired` at this time
  std::string shop;
  std::string host;     ///< name of the authorized host in the configuration
  std::string client;   ///< its IP address
  std::string session;  ///< id of the SMTP session, as logged
  std::string helo;
  std::string tls;          ///< "TLSv1.3 TLS_AES_256_GCM_SHA384"; "" in clear
  std::string sender;       ///< envelope sender; "" is the null sender
  std::string header_from;  ///< address of header From
  std::string message_id;   ///< with its angle brackets, as in the header
  std::string subject;      ///< decoded to UTF-8, to be shown
  std::uint64_t size = 0;   ///< bytes as they will be sent
  Lane lane = Lane::transactional;
  std::string tag;
  std::string metadata;  ///< JSON text of X-ECRelay-Metadata
  std::string idempotency_key;
  std::string upstream;    ///< name of the upstream pool
  std::string signatures;  ///< "d=… s=… a=…, …"
  bool eight_bit = false;  ///< needs 8BITMIME
  bool smtputf8 = false;   ///< needs SMTPUTF8
  Location location;       ///< filled by the store
  Kind kind = Kind::mail;
};

/// One RCPT of a message: the unit of delivery.
struct Recipient {
  Ulid message;
  std::uint32_t n = 0;  ///< 0, 1, … in the order of RCPT
  std::string address;  ///< as the client gave it
  std::string key;      ///< the one form all spellings share (mail module)
  State state = State::queued;
  TimePoint due;  ///< when open: not to be tried before
  std::uint32_t attempts = 0;
  std::optional<TimePoint> finished_at;  ///< when final
  std::string reply;  ///< last reply, or why there was none; at most `max_reply` bytes
};

/// One try for one recipient: evidence, kept as the remote side wrote it.
struct Attempt {
  Ulid message;
  std::uint32_t recipient = 0;
  std::uint32_t number = 0;  ///< 1, 2, …; given by the store
  TimePoint at;
  std::string upstream;
  std::string server;      ///< "host:ip:port"
  std::string stage;       ///< "connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "dot"
  std::uint16_t code = 0;  ///< SMTP reply code; 0 when there was no reply
  std::string enhanced;    ///< "5.1.1"
  std::string reply;       ///< at most `max_reply` bytes are kept
  std::string verdict;     ///< what policy made of it
  std::string tls;
  Duration duration{0};
};

inline constexpr std::size_t max_reply = 1024;

/// The first `limit` bytes of `text`, cut where a UTF-8 character ends.
std::string_view bounded(std::string_view text, std::size_t limit);

}  // namespace ecrelay::records

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/time.h"
#include "log/events.h"

/// How one event becomes one line. Private to the module.
namespace ecrelay::log {

class Journal;

/// In the order of the reference.
enum class Event {
  start,
  ready,
  listen,
  config_warning,
  reload,
  reload_failed,
  setting,
  stop,
  internal_error,
  accept_paused,
  log_lost,
  connect_refused,
  session,
  tls_failed,
  auth_failed,
  repeated,
  accept,
  reject,
  suppressed_drop,
  sent,
  defer,
  hold,
  bounce,
  expire,
  report_queued,
  charge_failed,
  upstream_trouble,
  suppress,
  suppress_clear,
  wave,
  report,
  report_kept_back,
  store_trouble,
  clock,
  store_recovered,
  dns,
  dns_ok,
  dkim,
  month_closed,
  limit,
  admin,
};

inline constexpr std::size_t event_kinds = static_cast<std::size_t>(Event::admin) + 1;

const EventInfo& info(Event event);

/// Puts a line together, field by field; write() hands it on. Nothing is done below the level.
class Line {
 public:
  /// For the log in force.
  explicit Line(Event event);
  /// About a client that may do the same a thousand times a minute.
  Line(Event event, const IpAddress& client);
  /// For a line made elsewhere.
  Line(Event event, const Options& options);

  /// Left out when empty.
  Line& add(std::string_view key, std::string_view value);
  Line& add_number(std::string_view key, std::uint64_t value);
  /// Left out when zero.
  Line& add_if(std::string_view key, std::uint64_t value);
  Line& add(const Peer& peer);
  Line& add(const Delivery& delivery);
  Line& add(const Answer& answer);

  void write() const;
  /// The line as it stands, without a newline.
  std::string text() const;

 private:
  void begin(const Journal& current);
  void begin(Format format, std::string_view node);
  void add_raw(std::string_view key, std::string_view value);

  Event event_;
  bool on_ = false;
  Format format_ = Format::json;
  bool masks_ = false;
  bool priorities_ = false;
  std::string text_;
};

}  // namespace ecrelay::log

#pragma once

#include <array>
#include <string_view>

#include "log/events.h"

namespace ecrelay::log {

/// Tells every event of the reference but log_lost (which only the writer tells), each text field
/// set to `text` and each number to something.
inline void tell_every_event(std::string_view text) {
  const Ulid id(TimePoint(Duration(1'700'000'000'000)), {});
  const Answer answer{550, text, text};
  const Peer peer{text, *IpAddress::parse("192.0.2.7"), text};
  const Mail mail{id, text, text, text, text};
  const Delivery delivery{id, 3, text, text, text, text, text, 2, Duration(15)};
  const ListEntry entry{text, text, text, text, true};
  const TimePoint due(Duration(1'700'000'060'000));
  started(text, text);
  ready(Duration(12));
  listening(text, text);
  config_warning(text);
  reloaded(text, 3);
  reload_failed(text, text);
  setting_changed(text, text, text, text);
  stopped(text, Duration(5));
  internal_error(text, text);
  accept_paused(text, text);
  connect_refused(peer, answer, text);
  session_ended(peer, SessionSummary{1, 2, text, text, text, Duration(9)});
  tls_failed(peer, text);
  auth_failed(peer, text, Duration(1000));
  lines_left_out(text, text, 7);
  message_accepted(mail, Acceptance{2, 1, 4096, text, text, Duration(3)});
  message_rejected(peer, Rejection{text, text, text, text, text}, answer);
  suppressed_dropped(mail, 3, text, text);
  message_sent(delivery, answer);
  message_deferred(delivery, answer, text, due);
  message_bounced(delivery, answer, text);
  message_expired(delivery, answer);
  charge_failed(delivery, text);
  message_held(delivery, answer, text);
  report_queued(Ulid(), Ulid(), text, text);
  clock_set(Duration(-3'600'000));
  upstream_trouble(text, text, text, answer);
  suppressed(entry, id, answer);
  suppression_cleared(entry, text);
  wave_parked(text, 13, 60);
  report_read(ReportSummary{id, 3, text, text, text, text}, answer, text);
  report_kept_back(id, text, text, text);
  store_trouble(text, text);
  store_recovered(text);
  dns_found(DnsFinding{text, text, text, text, "differs", text, text});
  dns_found(DnsFinding{text, text, text, text, "ok", text, text});
  signing_key_changed(text, text, text, text);
  month_closed(text, text, text, text);
  limit_used(LimitUse{text, text, text, text, 80, due});
  admin_acted(text, text, text);
}

/// What mail from outside may bring, and more.
inline constexpr auto hostile_texts = std::to_array<std::string_view>({
    "plain",
    "two words",
    "line\r\n2026-01-01T00:00:00.000+09:00 info accept id=FORGED",
    "\"},{\"event\":\"accept\",\"id\":\"FORGED\"}",
    "a\"b\\\"c\\\\\" event=forged",
    "key=value other=\"x\"",
    "\x1b[2J\x1b]0;title\x07",
    "\xe2\x80\xae"
    "gnp.exe",                                   // right-to-left override
    "\xc2\x85next\xe2\x80\xa8line\xe2\x80\xa9",  // C1 and Unicode line ends
    "bad \xff\xc3( \xed\xa0\x80 utf-8",
    "\xf0\x9f\x90\x88 "
    "\xe6\xb3\xa8\xe6\x96\x87\xe3\x81\x82\xe3\x82\x8a\xe3\x81\x8c\xe3\x81\xa8\xe3\x81\x86",
    "%v %n {} {0} %s",
    "\\",
    "\"",
    "=",
});

}  // namespace ecrelay::log

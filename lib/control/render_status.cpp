#include <array>
#include <cstdint>
#include <cstdio>

#include "control/fields.h"
#include "control/render.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;

std::string line(std::string label, const std::string& text) {
  label.resize(13, ' ');
  return label + text + "\n";
}

std::string size_text(const json::object& object, std::string_view name) {
  constexpr std::array<const char*, 5> units = {"B", "KiB", "MiB", "GiB", "TiB"};
  const json::value* found = object.if_contains(name);
  json::error_code failed;
  double amount = found == nullptr ? 0 : found->to_number<double>(failed);
  std::size_t unit = 0;
  for (; amount >= 1024 && unit + 1 < units.size(); ++unit) amount /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", amount, units[unit]);
  return text;
}

std::string listeners(const json::object& status) {
  std::string text;
  for (const json::value& each : list(status, "listeners")) {
    const json::object& listener = object_of(each);
    text += (text.empty() ? "" : ", ") + shown(listener, "address") + " (tls " +
            shown(listener, "tls") + ")";
  }
  return text;
}

std::string server_line(const json::object& server) {
  const std::string trouble = shown(server, "trouble");
  std::string text =
      "  " + shown(server, "address") + ": " + shown(server, "connections") + " open";
  if (!field(server, "closed_until").empty()) {
    text += ", left alone until " + time_field(server, "closed_until");
  }
  return text + (trouble.empty() ? "" : ": " + trouble);
}

std::string upstreams(const json::object& status) {
  std::string text;
  for (const json::value& each : list(status, "upstreams")) {
    const json::object& upstream = object_of(each);
    std::string open = shown(upstream, "name") + ": " + shown(upstream, "connections") + " of " +
                       shown(upstream, "limit") + " connections open, " +
                       shown(upstream, "waiting") +
                       (shown(upstream, "waiting") == "1" ? " message" : " messages") + " waiting";
    if (shown(upstream, "parked") != "0")
      open += ", " + shown(upstream, "parked") + " of them for their domains";
    if (shown(upstream, "slowed_domains") != "0")
      open += ", " + shown(upstream, "slowed_domains") + " domains asked for less";
    if (truth(upstream, "removed")) open += ", removed from the configuration";
    text += line("upstream", open);
    for (const json::value& server : list(upstream, "servers")) {
      text += line("", server_line(object_of(server)));
    }
  }
  return text;
}

std::string rates(const json::object& rates) {
  return shown(rates, "messages_accepted") + " messages/s in, " + shown(rates, "recipients_sent") +
         " recipients/s sent, " + shown(rates, "recipients_deferred") + "/s deferred, " +
         shown(rates, "recipients_bounced") + "/s bounced";
}

std::string live_part(const json::object& status) {
  const json::object& totals = part(status, "totals");
  const json::object& disk = part(status, "disk");
  std::string text = line("ecrelay", shown(status, "version") + " on " + shown(status, "node") +
                                         ", up since " + time_field(status, "up_since"));
  text += line("mail", truth(status, "accepting") ? "accepted"
                                                  : "NOT ACCEPTED: " + shown(status, "refusing"));
  if (truth(part(status, "writer"), "broken")) text += line("book", "BROKEN: see the log");
  text += line("listeners", listeners(status));
  text += line("sessions", shown(status, "sessions") + " open, " + shown(totals, "sessions") +
                               " since the start, " + shown(totals, "connections_refused") +
                               " refused");
  if (const std::string doubt = shown(totals, "recipients_in_doubt"); doubt != "0")
    text += line("in doubt", doubt + " since the start: the answer to a whole body was lost");
  if (const std::string parked = shown(status, "parked"); parked != "0" && !parked.empty())
    text +=
        line("WAVE", parked + " addresses are parked and wait for you: suppression parked list");
  text += line("last minute", rates(part(status, "rates")));
  text += upstreams(status);
  return text + line("disk", size_text(disk, "free") + " free of " + size_text(disk, "total"));
}

std::string book_part(const json::object& status) {
  const std::string trouble = shown(status, "book_trouble");
  if (!trouble.empty()) return line("book", "CANNOT BE READ: " + trouble);
  const json::object& queue = part(status, "queue");
  const json::object& month = part(status, "month");
  std::string open = shown(queue, "queued") + " queued, " + shown(queue, "held") + " held";
  if (!field(queue, "oldest_due").empty()) open += ", next due " + time_field(queue, "oldest_due");
  if (truth(status, "running")) {
    open += ", " + shown(part(status, "dispatch"), "in_flight") + " being tried";
  }
  return line("queue", open) +
         line("month", shown(month, "month") + ": " + shown(month, "messages") + " messages, " +
                           shown(month, "sent") + " sent, " + shown(month, "bounced") +
                           " bounced, " + shown(month, "suppressed") + " suppressed, " +
                           shown(month, "amount_yen") + " yen");
}

}  // namespace

std::string render_status(const json::object& status) {
  const bool running = truth(status, "running");
  return (running ? live_part(status) : line("ecrelay", "NOT RUNNING")) + book_part(status);
}

}  // namespace ecrelay::control

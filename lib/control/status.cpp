#include "control/status.h"

#include <boost/json/array.hpp>

#include <chrono>
#include <cstdio>
#include <string_view>

#include "control/json.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;

json::object to_json(const ServerStatus& server) {
  json::object object;
  object["address"] = json_text(server.address);
  object["connections"] = server.connections;
  object["closed_until"] = json_time(server.closed_until);
  object["trouble"] = json_text(server.trouble);
  return object;
}

json::object to_json(const UpstreamStatus& upstream) {
  json::array servers;
  for (const ServerStatus& server : upstream.servers) servers.push_back(to_json(server));
  json::object object;
  object["name"] = json_text(upstream.name);
  object["connections"] = upstream.connections;
  object["limit"] = upstream.limit;
  object["waiting"] = upstream.waiting;
  object["parked"] = upstream.parked;
  object["slowed_domains"] = upstream.slowed;
  object["servers"] = std::move(servers);
  return object;
}

json::object to_json(const ListenerStatus& listener) {
  json::object object;
  object["address"] = json_text(listener.address);
  object["tls"] = json_text(listener.tls);
  return object;
}

json::object to_json(const Totals& totals) {
  json::object object;
  object["sessions"] = totals.sessions;
  object["connections_refused"] = totals.connections_refused;
  object["messages_accepted"] = totals.messages_accepted;
  object["messages_rejected"] = totals.messages_rejected;
  object["recipients_accepted"] = totals.recipients_accepted;
  object["recipients_suppressed"] = totals.recipients_suppressed;
  object["recipients_sent"] = totals.recipients_sent;
  object["recipients_deferred"] = totals.recipients_deferred;
  object["recipients_bounced"] = totals.recipients_bounced;
  object["recipients_expired"] = totals.recipients_expired;
  object["recipients_in_doubt"] = totals.recipients_in_doubt;
  object["reports_queued"] = totals.reports_queued;
  return object;
}

json::object writer_json(const Status& status) {
  json::object object;
  object["batches"] = status.writer.batches;
  object["items"] = status.writer.items;
  object["spool_syncs"] = status.writer.spool_syncs;
  object["sync_us"] = status.writer.sync_us;
  object["commit_us"] = status.writer.commit_us;
  object["waiting"] = status.writer.waiting;
  object["broken"] = status.writer_broken;
  object["trouble"] = json_text(status.writer.trouble);
  return object;
}

template <typename Parts>
json::array array_of(const Parts& parts) {
  json::array array;
  for (const auto& part : parts) array.push_back(to_json(part));
  return array;
}

/// Text of the Prometheus format, one family after the other.
class Exposition {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = "ecrelay_" + std::string(name);
    text_ += "# HELP " + name_ + " " + std::string(help) + "\n# TYPE " + name_ + " " +
             std::string(type) + "\n";
  }
  void sample(std::uint64_t value, const std::string& labels = {}) {
    text_ += name_ + labels + " " + std::to_string(value) + "\n";
  }
  /// From microseconds or milliseconds to the base unit, without rounding.
  void seconds(std::chrono::microseconds value) {
    char text[32];
    std::snprintf(text, sizeof text, "%lld.%06lld", static_cast<long long>(value.count() / 1000000),
                  static_cast<long long>(value.count() % 1000000));
    text_ += name_ + " " + text + "\n";
  }
  void single(std::string_view name, std::string_view type, std::string_view help,
              std::uint64_t value) {
    family(name, type, help);
    sample(value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string name_;
  std::string text_;
};

std::string quoted(std::string_view label) {
  std::string result = "\"";
  for (const char c : json_text(label)) {
    if (c == '\n') {
      result += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

std::string labels(std::string_view name, std::string_view value) {
  return "{" + std::string(name) + "=" + quoted(value) + "}";
}

void add_process(Exposition& out, const Status& status) {
  out.family("build_info", "gauge", "The running version.");
  out.sample(1, labels("version", status.version));
  out.family("start_time_seconds", "gauge", "When this process began to serve, in Unix time.");
  out.seconds(status.up_since.time_since_epoch());
  out.single("accepting_mail", "gauge", "1 while new mail is accepted.",
             status.accepting ? 1U : 0U);
}

void add_intake(Exposition& out, const Status& status) {
  const Totals& totals = status.totals;
  out.single("sessions", "gauge", "SMTP sessions open now.", status.sessions);
  out.single("sessions_total", "counter", "SMTP sessions.", totals.sessions);
  out.single("connections_refused_total", "counter", "Connections that got no banner.",
             totals.connections_refused);
  out.single("messages_accepted_total", "counter", "Messages stored and answered 250.",
             totals.messages_accepted);
  out.single("messages_rejected_total", "counter", "Refusals at MAIL, RCPT or after the dot.",
             totals.messages_rejected);
  out.single("recipients_accepted_total", "counter", "Recipients of stored messages.",
             totals.recipients_accepted);
}

void add_dispatch(Exposition& out, const Status& status) {
  const Totals& totals = status.totals;
  out.single("queue_recipients", "gauge", "Recipients waiting or being tried.", status.queued);
  out.single("deliveries_in_flight", "gauge", "Recipients being tried now.", status.in_flight);
  out.family("recipients_total", "counter", "Recipients that ended, by outcome.");
  out.sample(totals.recipients_sent, labels("outcome", "sent"));
  out.sample(totals.recipients_bounced, labels("outcome", "bounced"));
  out.sample(totals.recipients_suppressed, labels("outcome", "suppressed"));
  out.sample(totals.recipients_expired, labels("outcome", "expired"));
  out.single("suppression_parked", "gauge",
             "Addresses of a wave of unknown users that wait for somebody to decide.",
             status.parked);
  out.single("deferrals_total", "counter", "Attempts that are to be repeated.",
             totals.recipients_deferred);
  out.single("in_doubt_total", "counter", "Attempts whose answer was lost after the body.",
             totals.recipients_in_doubt);
  out.single("reports_queued_total", "counter", "Our reports to senders.", totals.reports_queued);
  out.family("upstream_waiting_messages", "gauge", "Messages that wait for an upstream.");
  for (const auto& each : status.upstreams) out.sample(each.waiting, labels("upstream", each.name));
  out.family("upstream_parked_messages", "gauge", "Of them, those that wait for their domain.");
  for (const auto& each : status.upstreams) out.sample(each.parked, labels("upstream", each.name));
  out.family("upstream_slowed_domains", "gauge", "Recipient domains that asked for less.");
  for (const auto& each : status.upstreams) out.sample(each.slowed, labels("upstream", each.name));
  out.family("upstream_connections", "gauge", "Connections open to an upstream.");
  for (const auto& each : status.upstreams) {
    out.sample(each.connections, labels("upstream", each.name));
  }
  out.family("upstream_servers_closed", "gauge", "Servers of an upstream that are left alone now.");
  for (const auto& each : status.upstreams) {
    std::uint64_t closed = 0;
    for (const auto& server : each.servers) closed += server.closed_until ? 1U : 0U;
    out.sample(closed, labels("upstream", each.name));
  }
}

void add_store(Exposition& out, const Status& status) {
  out.single("store_commits_total", "counter", "Transactions committed to the book.",
             status.writer.batches);
  out.single("store_items_total", "counter", "Changes in them.", status.writer.items);
  out.single("store_waiting", "gauge", "Changes not yet taken by the store thread.",
             status.writer.waiting);
  out.family("store_spool_sync_seconds_total", "counter", "Time spent syncing the spool.");
  out.seconds(std::chrono::microseconds(status.writer.sync_us));
  out.family("store_commit_seconds_total", "counter", "Time spent committing.");
  out.seconds(std::chrono::microseconds(status.writer.commit_us));
  out.single("store_broken", "gauge", "1 after a fault that ended the writer.",
             status.writer_broken ? 1U : 0U);
  out.single("disk_free_bytes", "gauge", "Free where the state is kept.", status.space.free);
  out.single("disk_size_bytes", "gauge", "Size of the file system of the state.",
             status.space.total);
}

}  // namespace

json::object to_json(const Status& status, TimePoint now) {
  json::object dispatch;
  dispatch["queued"] = status.queued;
  dispatch["in_flight"] = status.in_flight;
  json::object disk;
  disk["free"] = status.space.free;
  disk["total"] = status.space.total;
  json::object object;
  object["running"] = true;
  object["version"] = json_text(status.version);
  object["node"] = json_text(status.node);
  object["up_since"] = json_time(status.up_since);
  object["up_seconds"] = std::chrono::floor<std::chrono::seconds>(now - status.up_since).count();
  object["accepting"] = status.accepting;
  object["refusing"] = json_text(status.refusing);
  object["listeners"] = array_of(status.listeners);
  object["sessions"] = status.sessions;
  object["dispatch"] = std::move(dispatch);
  object["parked"] = status.parked;
  object["upstreams"] = array_of(status.upstreams);
  object["totals"] = to_json(status.totals);
  object["writer"] = writer_json(status);
  object["disk"] = std::move(disk);
  return object;
}

std::string metrics(const Status& status) {
  Exposition out;
  add_process(out, status);
  add_intake(out, status);
  add_dispatch(out, status);
  add_store(out, status);
  return out.take();
}

}  // namespace ecrelay::control

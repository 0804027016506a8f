#include "control/status.h"

#include <boost/json/array.hpp>

#include <chrono>
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
  object["removed"] = upstream.removed;
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

json::object to_json(const std::vector<ReasonTotal>& totals) {
  json::object object;
  for (const ReasonTotal& each : totals) object[each.reason] = each.times;
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
  object["reports_refused"] = to_json(status.reports_refused);
  object["reports_put_off"] = to_json(status.reports_put_off);
  object["writer"] = writer_json(status);
  object["disk"] = std::move(disk);
  return object;
}

}  // namespace ecrelay::control

#include "relay.h"

// The relay as `ecrelayctl status` and the metrics show it.

namespace ecrelay {
namespace {

control::UpstreamStatus upstream_status(const dispatch::UpstreamState& each) {
  control::UpstreamStatus upstream;
  upstream.name = each.name;
  upstream.removed = each.removed;
  upstream.connections = each.connections;
  upstream.limit = each.limit;
  upstream.waiting = each.waiting;
  upstream.parked = each.parked;
  upstream.slowed = each.slowed;
  upstream.attempts = each.tally.attempts;
  upstream.delays = each.tally.delays;
  for (const auto& server : each.servers) {
    control::ServerStatus state;
    state.address = server.address;
    state.closed_until = server.closed_until;
    state.trouble = server.trouble;
    state.connections = server.connections;
    upstream.servers.push_back(std::move(state));
  }
  return upstream;
}

std::vector<control::VerbStatus> verbs_of(const intake::Counters& counters) {
  std::vector<control::VerbStatus> verbs;
  for (std::size_t i = 0; i < counters.replies.size(); ++i)
    verbs.push_back({std::string(to_text(intake::Counters::Verb(i))), counters.replies[i]});
  return verbs;
}

void add_turned_away(control::Status& status, const reports::Counters& counters) {
  for (std::size_t i = 0; i < reports::ways_to_turn_away; ++i) {
    const auto why = static_cast<reports::TurnedAway>(i);
    auto& totals = may_come_again(why) ? status.reports_put_off : status.reports_refused;
    totals.push_back({std::string(to_text(why)), counters.turned_away[i]});
  }
}

}  // namespace

std::string_view word(config::ListenerTls tls) {
  switch (tls) {
    case config::ListenerTls::opportunistic:
      return "opportunistic";
    case config::ListenerTls::required:
      return "required";
    case config::ListenerTls::implicit:
      return "implicit";
    case config::ListenerTls::off:
      break;
  }
  return "off";
}

control::Status Relay::status() {
  control::Status status;
  status.version = RELAY_VERSION;
  status.node = settings().node;
  status.up_since = up_since_;
  const std::vector<net::Endpoint> endpoints = reception_.endpoints();
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    control::ListenerStatus listener;
    listener.address = endpoints[i].text();
    listener.tls = word(settings().listeners[i].tls);
    if (const auto& tls = site_->tls[i]) listener.certificate_ends = tls->expires();
    status.listeners.push_back(std::move(listener));
  }
  if (const auto endpoint = reports_.endpoint()) {
    status.listeners.push_back(control::ListenerStatus{endpoint->text(), "reports", {}});
  }
  status.accepting = !reception_.refusing() && !stopping_;
  status.writer = store_.writer().statistics();
  if (!status.writer.trouble.empty()) {
    status.accepting = false;
    status.refusing = status.writer.trouble;
  }
  if (reception_.refusing()) status.refusing = "the book failed";
  if (stopping_) status.refusing = "stopping";
  status.sessions = reception_.connections().open();
  status.queued = static_cast<std::uint64_t>(queued_);
  status.parked = static_cast<std::uint64_t>(parked_);
  const intake::Counters& counters = reception_.counters();
  status.verbs = verbs_of(counters);
  status.signing = counters.signing;
  status.totals.sessions = counters.connections - counters.refused_connections;
  status.totals.connections_refused = counters.refused_connections;
  status.totals.messages_accepted = counters.messages;
  status.totals.messages_rejected = counters.rejections;
  status.totals.recipients_accepted = counters.recipients;
  status.totals.recipients_suppressed = counters.suppressed;
  add_turned_away(status, reports_.counters());
  for (const dispatch::UpstreamState& each : dispatcher_.state()) {
    status.upstreams.push_back(upstream_status(each));
    status.in_flight += each.in_flight;
    status.totals.recipients_sent += each.tally.sent;
    status.totals.recipients_deferred += each.tally.deferred;
    status.totals.recipients_bounced += each.tally.bounced;
    status.totals.recipients_expired += each.tally.expired;
    status.totals.recipients_in_doubt += each.tally.in_doubt;
    status.totals.reports_queued += each.tally.reports;
    status.totals.charged = status.totals.charged + each.tally.charged;
  }
  status.writer_broken = store_.writer().broken();
  status.space = store_.space();
  return status;
}

}  // namespace ecrelay

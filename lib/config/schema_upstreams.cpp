#include "config/rules.h"
#include "config/schema.h"
#include "config/schema_rules.h"
#include "config/section.h"

namespace ecrelay::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string recipient_domains(std::vector<std::string>& list) {
  for (std::string& domain : list) {
    if (domain == "*") continue;
    if (std::string why = domain_name(domain); !why.empty()) return why;
  }
  return some(list);
}

}  // namespace

template <>
const std::vector<Field<Server>>& table<Server>() {
  static const std::vector<Field<Server>> rows = {
      required("address", &Server::address, "a smarthost"),
      key("priority", &Server::priority, "the lowest is tried first", count(0, 65'535)),
      key("weight", &Server::weight, "share among servers of one priority", count(1, 65'535)),
  };
  return rows;
}

template <>
const std::vector<Field<UpstreamLogin>>& table<UpstreamLogin>() {
  static const std::vector<Field<UpstreamLogin>> rows = {
      required("user", &UpstreamLogin::user, "login name at the upstream"),
      required("password", &UpstreamLogin::password, "sent under TLS only"),
  };
  return rows;
}

template <>
const std::vector<Field<UpstreamTimeouts>>& table<UpstreamTimeouts>() {
  using T = UpstreamTimeouts;
  const auto wait = time(milliseconds(100), hours(1));
  static const std::vector<Field<T>> rows = {
      key("connect", &T::connect, "TCP connection and TLS handshake", wait),
      key("greeting", &T::greeting, "the 220 of a new connection", wait),
      key("command", &T::command, "replies to EHLO, AUTH, MAIL and RCPT", wait),
      key("data", &T::data, "the 354 after DATA", wait),
      key("block", &T::block, "sending one block of the body", wait),
      key("end_of_data", &T::end_of_data, "the reply after the final dot", wait),
      key("idle", &T::idle, "how long an unused connection stays open", wait),
  };
  return rows;
}

template <>
const std::vector<Field<ServerBreaker>>& table<ServerBreaker>() {
  using T = ServerBreaker;
  static const std::vector<Field<T>> rows = {
      key("failures", &T::failures, "failed connections in a row that close a server", count()),
      key("pause", &T::pause, "how long it is left alone; doubles each time",
          time(seconds(1), day)),
      key("longest_pause", &T::longest_pause, "and no longer than this", time(seconds(1), day)),
  };
  return rows;
}

template <>
const std::vector<Field<Destination>>& table<Destination>() {
  using T = Destination;
  static const std::vector<Field<T>> rows = {
      required("domains", &T::domains,
               "recipient domains, each with limits of its own; \"*\": all that are not named",
               recipient_domains),
      key("concurrency", &T::concurrency, "transactions at once", count(1, 10'000)),
      key("messages_per_second", &T::messages_per_second, "rate of transactions", count()),
  };
  return rows;
}

template <>
const std::vector<Field<Upstream>>& table<Upstream>() {
  using T = Upstream;
  static const std::vector<Field<T>> rows = {
      required("name", &T::name, "unique; shops refer to it", identifier),
      required("servers", &T::servers, "smarthosts of this pool", some<Server>),
      key("tls", &T::tls,
          "off; opportunistic: when offered; required: never in clear; verify: and the certificate "
          "must be the server's; implicit: TLS from the first byte, verified"),
      key("ca", &T::ca, "PEM file of the authorities to trust; the system's when absent",
          readable_file),
      key("auth", &T::auth, "login at the upstream"),
      key("connections", &T::connections, "open at once, over all its servers", count(1, 10'000)),
      key("messages_per_connection", &T::messages_per_connection, "then a new connection", count()),
      key("recipients_per_message", &T::recipients_per_message, "then a new transaction",
          count(1, 10'000)),
      key("messages_per_second", &T::messages_per_second,
          "rate of transactions, over all its servers; unlimited when absent", count()),
      key("destinations", &T::destinations, "limits by recipient domain"),
      key("signatures", &T::signatures,
          "algorithms to sign with, as far as a domain has keys; some upstreams refuse two",
          some<Signature>),
      key("timeouts", &T::timeouts, "how long to wait for the upstream (RFC 5321 4.5.3.2)"),
      key("breaker", &T::breaker, "when a failing server is left alone"),
  };
  return rows;
}

}  // namespace ecrelay::config

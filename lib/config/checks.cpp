#include "config/checks.h"

#include <algorithm>
#include <optional>

#include "config/names.h"
#include "config/strangers.h"

namespace ecrelay::config {
namespace {

// ---- listeners ----

/// An address that something listens on.
struct Bound {
  SocketAddress address;
  std::string path;
};

bool is_wildcard(const IpAddress& ip) { return ip.text() == "0.0.0.0" || ip.text() == "::"; }

bool clash(const SocketAddress& a, const SocketAddress& b) {
  if (a.port != b.port || a.port == 0) return false;
  return a.ip == b.ip || (a.ip.is_v4() == b.ip.is_v4() && (is_wildcard(a.ip) || is_wildcard(b.ip)));
}

std::vector<Bound> bound_addresses(const Settings& settings, const Reading& reading) {
  std::vector<Bound> all;
  for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
    all.push_back({settings.listeners[i].address, at("listeners", i) + ".address"});
  }
  if (settings.reports.listen) all.push_back({*settings.reports.listen, "reports.listen"});
  if (settings.control.http) all.push_back({*settings.control.http, "control.http"});
  std::erase_if(all, [&](const Bound& bound) { return reading.failed(bound.path); });
  return all;
}

void check_addresses(const Settings& settings, Reading& reading) {
  const auto all = bound_addresses(settings, reading);
  for (auto second = all.begin(); second != all.end(); ++second) {
    const auto first = std::find_if(all.begin(), second, [&](const Bound& bound) {
      return clash(bound.address, second->address);
    });
    if (first == second) continue;
    reading.fail_at(second->path, second->address.text() + " is already listened on as " +
                                      first->address.text() + " (" + first->path + ")");
  }
}

/// `path` is that of the section which holds tls, certificate and key.
struct TlsFiles {
  bool wanted;
  bool certificate;
  bool key;
};

void check_tls_files(const std::string& path, const TlsFiles& files, Reading& reading) {
  if (reading.failed(path + ".tls")) return;
  if (files.wanted && !files.certificate) {
    reading.fail_at(path + ".tls", "TLS needs a certificate", "certificate: file:PATH");
  }
  if (files.wanted && !files.key) {
    reading.fail_at(path + ".tls", "TLS needs the certificate's key", "key: file:PATH");
  }
  if (!files.wanted && (files.certificate || files.key)) {
    reading.warn_at(path, "a certificate or key, but tls is off");
  }
}

void check_listener(const Listener& listener, const std::string& path, Reading& reading) {
  check_tls_files(path,
                  {listener.tls != ListenerTls::off, listener.certificate.has_value(),
                   listener.key.has_value()},
                  reading);
  if (!listener.proxy_protocol) return;
  const auto& trusted = listener.proxy_protocol->trusted;
  for (std::size_t i = 0; i < trusted.size(); ++i) {
    const std::string place = at(path + ".proxy_protocol.trusted", i);
    if (reading.failed(place) || !is_wide(trusted[i])) continue;
    reading.fail_at(place, trusted[i].text() +
                               " is too wide to trust: whoever is in it can claim to be any host");
  }
}

void check_listeners(const Settings& settings, Reading& reading) {
  for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
    check_listener(settings.listeners[i], at("listeners", i), reading);
  }
}

// ---- upstreams ----

bool is_loopback(const std::string& host) {
  const auto ip = IpAddress::parse(host);
  return ip ? ip->is_loopback() : host == "localhost";
}

bool is_listener(const Settings& settings, const ServerAddress& server) {
  const auto ip = IpAddress::parse(server.host == "localhost" ? "127.0.0.1" : server.host);
  return std::any_of(settings.listeners.begin(), settings.listeners.end(),
                     [&](const Listener& listener) {
                       return ip && clash(listener.address, SocketAddress{*ip, server.port}) &&
                              (listener.address.ip == *ip || ip->is_loopback());
                     });
}

void check_destinations(const Upstream& upstream, const std::string& path, Reading& reading) {
  Names names(reading, "destination");
  for (std::size_t i = 0; i < upstream.destinations.size(); ++i) {
    const std::string place = at(path + ".destinations", i) + ".domains";
    const std::vector<std::string>& domains = upstream.destinations[i].domains;
    for (std::size_t d = 0; d < domains.size(); ++d) names.take(domains[d], at(place, d));
  }
}

void check_upstream(const Settings& settings, const Upstream& upstream, const std::string& path,
                    Reading& reading) {
  const bool local = std::all_of(upstream.servers.begin(), upstream.servers.end(),
                                 [](const Server& s) { return is_loopback(s.address.host); });
  const bool in_clear = upstream.tls == UpstreamTls::off;
  check_destinations(upstream, path, reading);
  const bool perhaps_in_clear = in_clear || upstream.tls == UpstreamTls::opportunistic;
  for (std::size_t i = 0; i < upstream.servers.size(); ++i) {
    if (!is_listener(settings, upstream.servers[i].address)) continue;
    reading.fail_at(at(path + ".servers", i) + ".address", "this is the relay itself");
  }
  if (local || reading.failed(path + ".tls")) return;
  if (upstream.auth && perhaps_in_clear) {
    reading.fail_at(path + ".auth", "the password could travel in clear",
                    "tls: verify, implicit or required");
  } else if (in_clear) {
    reading.warn_at(path + ".tls", "mail travels in clear");
  } else if (upstream.auth && upstream.tls == UpstreamTls::required) {
    reading.warn_at(path + ".tls", "whoever stands in between can read the password",
                    "tls: verify");
  }
}

void check_upstreams(const Settings& settings, Reading& reading) {
  Names names(reading, "upstream");
  if (settings.upstreams.empty() && !reading.failed("upstreams")) {
    reading.fail_at("upstreams", "there is no upstream to send to");
  }
  for (std::size_t i = 0; i < settings.upstreams.size(); ++i) {
    names.take(settings.upstreams[i].name, at("upstreams", i) + ".name");
    check_upstream(settings, settings.upstreams[i], at("upstreams", i), reading);
  }
}

// ---- the rest ----

/// Where the first return path is set, or nothing.
std::optional<std::string> first_return_path(const Settings& settings) {
  for (std::size_t s = 0; s < settings.shops.size(); ++s) {
    const auto& domains = settings.shops[s].domains;
    const auto found = std::find_if(domains.begin(), domains.end(), [](const Domain& domain) {
      return domain.return_path.has_value();
    });
    if (found == domains.end()) continue;
    const auto index = static_cast<std::size_t>(found - domains.begin());
    return at(at("shops", s) + ".domains", index) + ".return_path";
  }
  return {};
}

void check_reports(const Settings& settings, Reading& reading) {
  const Reports& reports = settings.reports;
  const auto used = first_return_path(settings);
  check_tls_files(
      "reports",
      {reports.tls != ReportsTls::off, reports.certificate.has_value(), reports.key.has_value()},
      reading);
  if (reading.failed("reports")) return;
  if ((used || reports.listen) && !reports.secret) {
    reading.fail_at(used.value_or("reports.listen"), "return paths need a secret that signs them",
                    "reports: {secret: file:PATH}");
  } else if (reports.previous_secret && !reports.secret) {
    reading.fail_at("reports.previous_secret", "there is no secret after it",
                    "reports: {secret: file:PATH}");
  } else if (used && !reports.listen) {
    reading.warn_at(*used, "nothing listens for what comes back",
                    "reports: {listen: \"ADDRESS:PORT\"}");
  }
}

void check_control(const Settings& settings, Reading& reading) {
  if (!settings.control.http || settings.control.http->ip.is_loopback()) return;
  reading.fail_at("control.http", "only a loopback address may be used",
                  "put a proxy with authentication in front");
}

void check_relations(const Settings& settings, Reading& reading) {
  if (!reading.failed("retry") && settings.retry.schedule.front() >= settings.retry.expire) {
    reading.fail_at("retry.expire", "ends before the first retry");
  }
  if (!reading.failed("limits.memory") && !reading.failed("limits.message_size") &&
      settings.limits.memory_of_sessions() < 2 * settings.limits.message_size.bytes) {
    reading.warn_at("limits.memory",
                    "less than three times message_size: the largest mails go one "
                    "by one, or not at all");
  }
  if (settings.limits.connections_per_host > settings.limits.connections) {
    reading.warn_at("limits.connections_per_host", "more than limits.connections");
  }
}

}  // namespace

void check(const Settings& settings, Reading& reading) {
  Known shops("shop");
  Known upstreams("upstream");
  for (const Shop& shop : settings.shops) shops.add(shop.id);
  for (const Upstream& upstream : settings.upstreams) upstreams.add(upstream.name);
  check_addresses(settings, reading);
  check_listeners(settings, reading);
  check_hosts(settings, shops, reading);
  check_shops(settings, upstreams, reading);
  check_dns(settings, reading);
  check_upstreams(settings, reading);
  check_prices(settings.billing, "billing", reading);
  check_reports(settings, reading);
  check_control(settings, reading);
  check_relations(settings, reading);
}

}  // namespace ecrelay::config

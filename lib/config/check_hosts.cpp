#include "config/checks.h"

#include <algorithm>

#include "config/names.h"
#include "config/rules.h"
#include "config/strangers.h"

namespace ecrelay::config {
namespace {

/// Who is in a network is not proof enough: something must be shown under TLS.
bool proves_itself(const Host& host) {
  return host.auth == Login::required || host.certificate.has_value();
}

/// Hosts on loopback reach every listener; others not those on loopback.
bool reaches(const Host& host, const Listener& listener) {
  return !listener.address.ip.is_loopback() || listener.proxy_protocol.has_value() ||
         std::any_of(host.networks.begin(), host.networks.end(),
                     [](const Network& network) { return network.base().is_loopback(); });
}

bool reaches_in_clear(const Settings& settings, const Host& host) {
  return std::any_of(
      settings.listeners.begin(), settings.listeners.end(), [&](const Listener& listener) {
        const bool clear =
            listener.tls == ListenerTls::off || listener.tls == ListenerTls::opportunistic;
        return clear && reaches(host, listener);
      });
}

void check_width(const Settings& settings, const Host& host, const Network& network,
                 const std::string& path, Reading& reading) {
  if (!may_hold_strangers(network)) {
    if (!proves_itself(host) && is_wide(network)) {
      reading.warn_at(path, network.text() + " lets in every machine of a wide public network");
    }
  } else if (!proves_itself(host)) {
    reading.fail_at(path, network.text() + " would relay for strangers",
                    "narrow it to /16 (IPv6: /32) or less, or ask for auth: required");
  } else if (!reading.failed("listeners") && reaches_in_clear(settings, host)) {
    reading.fail_at(path,
                    network.text() + " holds strangers, and they can reach a listener without TLS",
                    "tls: required or implicit on every listener that they can reach");
  }
}

void check_proof(const Settings& settings, const Host& host, const std::string& path,
                 Reading& reading) {
  const bool offered = std::any_of(
      settings.listeners.begin(), settings.listeners.end(), [&](const Listener& listener) {
        return listener.tls != ListenerTls::off && reaches(host, listener);
      });
  if (!proves_itself(host) || offered || reading.failed("listeners")) return;
  const bool login = host.auth == Login::required;
  reading.fail_at(path + (login ? ".auth" : ".certificate"),
                  std::string(login ? "a login" : "a client certificate") +
                      " needs TLS, and no listener that this host reaches has it");
}

bool sends_for_users(const Settings& settings, const Host& host) {
  return std::any_of(settings.shops.begin(), settings.shops.end(), [&](const Shop& shop) {
    return host.shops.contains(shop.id) && !shop.users.empty();
  });
}

void check_host_shops(const Host& host, const std::string& path, const Known& shops,
                      Reading& reading) {
  for (std::size_t i = 0; i < host.shops.ids.size(); ++i) {
    shops.refer(reading, at(path, i), host.shops.ids[i]);
  }
}

void check_host(const Settings& settings, const Host& host, const std::string& path,
                Reading& reading) {
  const std::string networks = path + ".networks";
  if (reading.failed(path + ".auth") || reading.failed(path + ".certificate")) return;
  for (std::size_t i = 0; i < host.networks.size(); ++i) {
    if (reading.failed(at(networks, i))) continue;
    check_width(settings, host, host.networks[i], at(networks, i), reading);
  }
  check_proof(settings, host, path, reading);
  const bool by_name = host.certificate && !is_fingerprint(*host.certificate);
  if (by_name && !settings.tls.client_ca && !reading.failed("tls")) {
    reading.fail_at(path + ".certificate",
                    "a name counts where a CA vouches for it, and none is set",
                    "tls: {client_ca: file:PATH}, or the SHA-256 fingerprint");
  }
  if (host.auth == Login::required && !reading.failed("shops") &&
      !sends_for_users(settings, host)) {
    reading.warn_at(path + ".auth", "a login is required, but none of its shops has users");
  }
}

}  // namespace

void check_hosts(const Settings& settings, const Known& shops, Reading& reading) {
  Names names(reading, "host");
  Names networks(reading, "network");
  if (settings.hosts.empty() && !reading.failed("hosts")) {
    reading.fail_at("hosts", "no host is authorized, so nobody could send");
  }
  for (std::size_t i = 0; i < settings.hosts.size(); ++i) {
    const Host& host = settings.hosts[i];
    const std::string path = at("hosts", i);
    names.take(host.name, path + ".name");
    for (std::size_t n = 0; n < host.networks.size(); ++n) {
      const std::string place = at(path + ".networks", n);
      if (!reading.failed(path + ".networks")) networks.take(host.networks[n].text(), place);
    }
    check_host(settings, host, path, reading);
    if (!reading.failed(path + ".shops")) {
      check_host_shops(host, path + ".shops", shops, reading);
    }
  }
}

}  // namespace ecrelay::config

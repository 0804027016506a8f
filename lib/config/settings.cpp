#include "config/settings.h"

#include <algorithm>

namespace ecrelay::config {
namespace {

std::string joined(const std::string& host, std::uint16_t port) {
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace

std::string SocketAddress::text() const { return joined(ip.text(), port); }

std::string ServerAddress::text() const { return joined(host, port); }

bool ShopSet::contains(const std::string& id) const {
  return all || std::find(ids.begin(), ids.end(), id) != ids.end();
}

Reports::Reports() : networks{*Network::parse("0.0.0.0/0"), *Network::parse("::/0")} {}

std::vector<Secret> Reports::secrets() const {
  std::vector<Secret> all;
  if (secret) all.push_back(secret->value);
  if (previous_secret) all.push_back(previous_secret->value);
  return all;
}

Settings::Settings() {
  using namespace std::chrono;
  billing.prices = {Price{2024y / July / 1, Money::milli_yen(100), ChargeUnit::message}};
}

}  // namespace ecrelay::config

#include "domains/zone_servers.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace ecrelay::domains {

namespace {

constexpr std::size_t most_servers = 6;
constexpr int most_zones = 4;  // that one CNAME after another leads through

/// One question to one server.
struct Asked {
  Asked(std::string server, net::Endpoint where) : text(std::move(server)), at(where) {}
  std::string text;
  net::Endpoint at;
  std::optional<net::Answer<dns::Reply>> answer;  ///< none: it is not asked
  dns::Reply instead;
};

}  // namespace

ZoneServers::ZoneServers(asio::any_io_executor executor, net::NameServers& resolver,
                         std::uint16_t port)
    : executor_(std::move(executor)), resolver_(resolver), port_(port) {}

/// Counts the question.
bool ZoneServers::may_ask() {
  if (!exhausted_.empty()) return false;
  if (questions_ == most_questions) {
    exhausted_ = std::to_string(most_questions) + " questions were asked for this domain";
  } else if (net::after(std::chrono::milliseconds(0)) >= end_) {
    exhausted_ = "its servers took more than " + std::to_string(longest.count()) + " s together";
  } else {
    ++questions_;
  }
  return exhausted_.empty();
}

asio::awaitable<dns::Reply> ZoneServers::ask_resolver(std::string name, dns::Type type) {
  if (resolver_silent_) co_return dns::silent("no answer in time");
  if (!may_ask()) co_return dns::failed("not asked: " + exhausted_);
  dns::Reply reply = co_await resolver_.ask(std::move(name), type);
  resolver_silent_ = reply.standing == dns::Standing::silent;
  co_return reply;
}

asio::awaitable<dns::View> ZoneServers::by_resolver(std::string name, dns::Type type) {
  dns::View view;
  const auto& servers = resolver_.servers();
  view.server = "resolver " + (servers.empty() ? std::string("(none)") : servers.front().text());
  view.reply = co_await ask_resolver(std::move(name), type);
  co_return view;
}

asio::awaitable<std::vector<dns::View>> ZoneServers::by_authorities(std::string name,
                                                                    dns::Type type) {
  return views(std::move(name), type, 0);
}

asio::awaitable<std::vector<dns::View>> ZoneServers::views(std::string name, dns::Type type,
                                                           int depth) {
  const Question question(dns::canonical(name), type);
  if (const auto known = seen_.find(question); known != seen_.end()) co_return known->second;
  std::vector<Server> servers = co_await servers_of(name);
  std::vector<dns::View> views = co_await ask_all(std::move(servers), std::move(name), type);
  for (dns::View& view : views) co_await follow(view, type, depth);
  seen_.insert_or_assign(question, views);
  co_return views;
}

/// A server tells a CNAME that leads out of its zones, and no more.
asio::awaitable<void> ZoneServers::follow(dns::View& view, dns::Type type, int depth) {
  const bool leads_out =
      view.reply.answered() && view.reply.values.empty() && !view.reply.aliases.empty();
  if (!leads_out || depth == most_zones) co_return;
  std::vector<dns::View> targets = co_await views(view.reply.aliases.back(), type, depth + 1);
  const auto answered = std::find_if(targets.begin(), targets.end(),
                                     [](const dns::View& each) { return each.reply.answered(); });
  if (answered == targets.end()) {
    view.reply =
        dns::failed("the target of its CNAME cannot be looked up: " + view.reply.aliases.back());
    co_return;
  }
  std::vector<std::string> chain = std::move(view.reply.aliases);
  chain.insert(chain.end(), answered->reply.aliases.begin(), answered->reply.aliases.end());
  view.reply = std::move(answered->reply);
  view.reply.aliases = std::move(chain);
}

/// Up from the name until a zone begins. A resolver that fails for a name may still know the zone
/// above it; one that is silent knows nothing.
asio::awaitable<std::vector<ZoneServers::Server>> ZoneServers::servers_of(std::string name) {
  std::string zone = dns::canonical(name);
  std::vector<std::string> passed;
  std::vector<Server> servers;
  for (; !zone.empty() && !resolver_silent_; zone = dns::parent(zone)) {
    const auto known = zones_.find(zone);
    if (known != zones_.end()) {
      servers = known->second;
      break;
    }
    passed.push_back(zone);
    dns::Reply reply = co_await ask_resolver(zone, dns::Type::ns);
    if (reply.standing != dns::Standing::found || !reply.aliases.empty()) continue;
    servers = co_await addresses_of(std::move(reply.values));
    break;
  }
  for (const std::string& each : passed) zones_.insert_or_assign(each, servers);
  co_return servers;
}

/// One address of each: what one of them says, the server says.
asio::awaitable<std::vector<ZoneServers::Server>> ZoneServers::addresses_of(
    std::vector<std::string> names) {
  std::vector<Server> servers;
  if (names.size() > most_servers) names.resize(most_servers);
  for (const std::string& name : names) {
    dns::Reply reply = co_await ask_resolver(name, dns::Type::a);
    if (reply.values.empty()) reply = co_await ask_resolver(name, dns::Type::aaaa);
    if (reply.values.empty()) continue;
    const auto address = IpAddress::parse(reply.values.front());
    if (!address) continue;
    Server server;
    server.at = net::Endpoint(*address, port_);
    server.text = address->text() + " (" + name + ")";
    servers.push_back(std::move(server));
  }
  co_return servers;
}

net::NameServers& ZoneServers::asking(const net::Endpoint& at) {
  auto& asked = asked_[at];
  if (!asked) {
    net::NameServers::Options options;
    options.servers.assign(1, at);
    options.recursive = false;
    asked = std::make_unique<net::NameServers>(executor_, options);
  }
  return *asked;
}

asio::awaitable<std::vector<dns::View>> ZoneServers::ask_all(std::vector<Server> servers,
                                                             std::string name, dns::Type type) {
  std::vector<Asked> asked;
  for (const Server& server : servers) {
    Asked& each = asked.emplace_back(server.text, server.at);
    if (silent_.contains(server.at)) {
      each.instead = dns::silent("no answer in time");
    } else if (may_ask()) {
      each.answer.emplace(asking(server.at).begin(name, type));
    } else {
      each.instead = dns::failed("not asked: " + exhausted_);
    }
  }
  std::vector<dns::View> views;
  for (Asked& each : asked) {
    dns::View view;
    view.server = each.text;
    if (each.answer) {
      view.reply = co_await each.answer->result();
    } else {
      view.reply = std::move(each.instead);
    }
    if (view.reply.standing == dns::Standing::silent) silent_.insert(each.at);
    views.push_back(std::move(view));
  }
  co_return views;
}

}  // namespace ecrelay::domains

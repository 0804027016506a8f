#include "deep_check.h"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <utility>

#include "control/client.h"
#include "core/escape.h"
#include "dispatch/courier.h"
#include "dispatch/pool.h"
#include "domains/examination.h"
#include "net/listener.h"
#include "net/resolver.h"
#include "net/task_group.h"

namespace ecrelay {
namespace {

using Verdict = Examined::Verdict;

/// Who renews by hand needs two weeks; who lets a program do it has renewed by then.
constexpr std::chrono::days certificate_notice{14};

Examined found(Verdict verdict, std::string text) { return {verdict, std::move(text)}; }

std::vector<Examined> certificates(const intake::Site& site) {
  std::vector<Examined> all;
  for (std::size_t i = 0; i < site.tls.size(); ++i) {
    if (!site.tls[i]) continue;
    const TimePoint ends = site.tls[i]->expires();
    const bool soon = ends - now() < certificate_notice;
    all.push_back(found(soon ? Verdict::warning : Verdict::ok,
                        "listener " + site.settings.listeners[i].address.text() +
                            ": its certificate ends " + timestamp(ends) +
                            (soon ? ": renew it" : "")));
  }
  return all;
}

Examined room(const config::Settings& settings) {
  std::error_code failed;
  const std::filesystem::space_info space = std::filesystem::space(settings.state_dir, failed);
  const std::string where = "state_dir " + settings.state_dir.string();
  if (failed)
    return found(Verdict::error,
                 where + ": " + failed.message() + "; make it, mode 0700, of the relay's user");
  const std::uint64_t needed =
      settings.limits.disk_reserve.bytes + 2 * settings.limits.message_size.bytes;
  const std::string free = std::to_string(space.available >> 20U) + " MiB free";
  if (space.available < needed)
    return found(Verdict::error, where + ": " + free + ", and limits.disk_reserve wants " +
                                     std::to_string(needed >> 20U) + " MiB: mail would get 452");
  return found(Verdict::ok, where + ": " + free);
}

/// Whether a daemon with this configuration runs already.
bool serves_already(const config::Settings& settings) {
  control::Request request;
  request.command = "status";
  return static_cast<bool>(
      control::ask(settings.control.socket.string(), request, std::chrono::seconds(5)));
}

std::vector<std::pair<std::string, net::Endpoint>> doors(const config::Settings& settings) {
  std::vector<std::pair<std::string, net::Endpoint>> all;
  const auto add = [&](const std::string& what, const config::SocketAddress& address) {
    all.emplace_back(what + " " + address.text(), net::Endpoint(address.ip, address.port));
  };
  for (const config::Listener& each : settings.listeners) add("listener", each.address);
  if (settings.reports.listen) add("reports.listen", *settings.reports.listen);
  if (settings.control.http) add("control.http", *settings.control.http);
  return all;
}

std::vector<Examined> free_doors(asio::io_context& context, const config::Settings& settings) {
  std::vector<Examined> all;
  const bool running = serves_already(settings);
  for (const auto& [what, at] : doors(settings)) {
    const auto opened = net::Listener::open(context.get_executor(), at);
    if (opened) {
      all.push_back(found(Verdict::ok, what + ": free"));
    } else if (running && opened.error().code == ErrorCode::conflict) {
      all.push_back(found(Verdict::ok, what + ": held by the relay that runs"));
    } else {
      all.push_back(found(Verdict::error, what + ": " + opened.error().detail));
    }
  }
  return all;
}

/// As a delivery would, up to the point where mail would go.
asio::awaitable<void> try_server(std::shared_ptr<const dispatch::Route> route, std::size_t server,
                                 net::Resolver& resolver, std::string hostname, Examined& into) {
  auto pool = std::make_shared<dispatch::Pool>(route);
  dispatch::Courier courier(std::move(pool), resolver, std::move(hostname));
  const config::Upstream& upstream = route->settings;
  const std::string what =
      "upstream " + upstream.name + ", server " + upstream.servers[server].address.text() + ": ";
  const bool reached = co_await courier.open(server);
  if (reached) {
    const std::string tls = courier.tls();
    into = found(Verdict::ok, what + (tls.empty() ? "in clear" : tls) +
                                  (upstream.auth ? ", logged in as " + upstream.auth->user : ""));
  } else {
    const smtp::Reply& reply = courier.failure().result.reply;
    into = found(Verdict::error,
                 what + "at " + std::string(smtp::to_text(courier.failure().result.stage)) + ": " +
                     (reply.code == 0 ? "" : std::to_string(reply.code) + " ") + reply.text);
  }
  co_await courier.close();
}

Verdict verdict_of(const dns::Finding& finding) {
  if (finding.state == dns::State::ok) return Verdict::ok;
  const bool sure = finding.state == dns::State::absent || finding.state == dns::State::differs;
  return sure && finding.wanted.needed ? Verdict::error : Verdict::warning;
}

Examined shown(const dns::Report& report) {
  Examined all{Verdict::ok, "domain " + report.domain + ": "};
  std::string wrong;
  for (const dns::Finding& each : report.findings) {
    const Verdict verdict = verdict_of(each);
    all.verdict = std::max(all.verdict, verdict);
    if (verdict != Verdict::ok)
      wrong += (wrong.empty() ? "" : ", ") + each.wanted.name + " " + std::string(text(each.state));
  }
  all.text += wrong.empty() ? "every record is published"
                            : wrong + "; ecrelayctl dns check " + report.domain + " says more";
  return all;
}

asio::awaitable<void> look_at_dns(std::shared_ptr<const config::Settings> settings,
                                  std::vector<Examined>& into) {
  const auto reports = co_await domains::examine_some(settings, std::nullopt, std::nullopt);
  if (!reports) {
    into.push_back(found(Verdict::error, "dns: " + reports.error().detail));
    co_return;
  }
  for (const dns::Report& report : *reports) into.push_back(shown(report));
}

void append(std::vector<Examined>& to, std::vector<Examined> more) {
  std::move(more.begin(), more.end(), std::back_inserter(to));
}

}  // namespace

std::vector<Examined> check_deep(const Configuration& configuration) {
  const config::Settings& settings = configuration.settings();
  asio::io_context context(1);
  std::vector<Examined> all = certificates(*configuration.site);
  all.push_back(room(settings));
  append(all, free_doors(context, settings));

  std::exception_ptr failure;
  net::TaskGroup tasks(context.get_executor(),
                       [&](const std::exception_ptr& caught) { failure = caught; });
  net::Resolver resolver(context.get_executor());
  std::size_t servers = 0;
  for (const auto& [name, route] : configuration.plan.routes)
    servers += route->settings.servers.size();
  std::vector<Examined> tried(servers);
  std::size_t next = 0;
  for (const auto& [name, route] : configuration.plan.routes) {
    for (std::size_t i = 0; i < route->settings.servers.size(); ++i)
      tasks.spawn(try_server(route, i, resolver, settings.hostname, tried[next++]));
  }
  std::vector<Examined> published;
  tasks.spawn(look_at_dns(settings_of(configuration.site), published));
  context.run();
  if (failure) std::rethrow_exception(failure);
  append(all, std::move(tried));
  append(all, std::move(published));
  return all;
}

}  // namespace ecrelay

#include "domains/examination.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "core/escape.h"
#include "dns/dmarc.h"
#include "dns/spf_count.h"
#include "domains/zone_servers.h"
#include "net/name_servers.h"
#include "net/task_group.h"

namespace ecrelay::domains {

namespace {

net::NameServers::Options resolver_options(const config::Settings& settings,
                                           const std::optional<net::Endpoint>& given) {
  net::NameServers::Options options;
  if (given) {
    options.servers.assign(1, *given);
  } else if (const auto& configured = settings.dns.resolver) {
    options.servers.assign(1, net::Endpoint(configured->ip, configured->port));
  }
  return options;
}

asio::awaitable<void> count_lookups(const dns::Wanted& wanted, dns::Sighting& sighting,
                                    ZoneServers& servers) {
  dns::SpfCount count(dns::spf_to_count(wanted, sighting));
  while (const auto name = count.next()) {
    const dns::View view = co_await servers.by_resolver(*name, dns::Type::txt);
    count.give(view.reply);
  }
  sighting.lookups = count.lookups();
  sighting.spf_faults = count.faults();
}

/// Where a domain has no policy of its own, that of a domain above it holds (RFC 7489 6.6.3; the
/// list of public suffixes is not asked: a suffix publishes none).
asio::awaitable<void> look_above(const dns::Wanted& wanted, dns::Sighting& sighting,
                                 ZoneServers& servers) {
  constexpr std::string_view label = "_dmarc.";
  std::string domain(dns::parent(std::string_view(wanted.name).substr(label.size())));
  for (; domain.find('.') != std::string::npos; domain = dns::parent(domain)) {
    const std::string name = std::string(label) + domain;
    dns::View view = co_await servers.by_resolver(name, dns::Type::txt);
    const bool there =
        std::any_of(view.reply.values.begin(), view.reply.values.end(), dns::is_dmarc);
    if (!there) continue;
    view.server = name;
    sighting.inherited = std::move(view);
    co_return;
  }
}

asio::awaitable<dns::Finding> look_at(dns::Wanted wanted, ZoneServers& servers) {
  const bool mail = wanted.purpose == dns::Purpose::return_path;
  const dns::Type type = mail ? dns::Type::mx : dns::Type::txt;
  dns::Sighting sighting;
  sighting.resolver = co_await servers.by_resolver(wanted.name, type);
  sighting.authorities = co_await servers.by_authorities(wanted.name, type);
  if (wanted.purpose == dns::Purpose::spf) co_await count_lookups(wanted, sighting, servers);
  if (wanted.purpose == dns::Purpose::dmarc) co_await look_above(wanted, sighting, servers);
  co_return dns::judge(wanted, sighting);
}

constexpr std::size_t at_a_time = 8;

/// What is to be looked at, and what was seen so far.
struct Round {
  std::shared_ptr<const config::Settings> settings;
  std::optional<net::Endpoint> resolver;
  std::vector<std::string> names;
  std::size_t next = 0;
  std::vector<std::optional<dns::Report>> reports;
};

asio::awaitable<void> work_on(Round& round) {
  while (round.next < round.names.size()) {
    const std::size_t mine = round.next++;
    Result<Domain> domain = find_domain(round.names[mine], *round.settings);
    if (!domain) continue;
    round.reports[mine] = co_await examine(std::move(*domain), round.settings, round.resolver);
  }
}

}  // namespace

asio::awaitable<dns::Report> examine(Domain domain,
                                     std::shared_ptr<const config::Settings> settings,
                                     std::optional<net::Endpoint> resolver) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  net::NameServers names(executor, resolver_options(*settings, resolver));
  const auto port = static_cast<std::uint16_t>(settings->dns.authority_port);
  ZoneServers servers(executor, names, port);
  dns::Report report;
  report.shop = domain.shop;
  report.domain = domain.needs.domain;
  report.managed_by_operator = domain.managed_by_operator;
  report.advice = std::move(domain.advice);
  for (const dns::Wanted& wanted : dns::wanted_records(domain.needs)) {
    dns::Finding finding = co_await look_at(wanted, servers);
    report.findings.push_back(std::move(finding));
  }
  if (const std::string& why = servers.exhausted(); !why.empty())
    report.advice.push_back("DNS: not all of it was looked at: " + why +
                            "; its CNAMEs fan out, or its servers keep silent");
  co_return report;
}

asio::awaitable<Result<std::vector<dns::Report>>> examine_some(
    std::shared_ptr<const config::Settings> settings, std::optional<std::string> domain,
    std::optional<net::Endpoint> resolver) {
  Round round;
  round.names = domain_names(*settings);
  if (domain) {
    const Result<Domain> found = find_domain(*domain, *settings);
    if (!found) co_return found.error();
    round.names.assign(1, found->needs.domain);
  }
  round.settings = std::move(settings);
  round.resolver = resolver;
  round.reports.resize(round.names.size());
  std::exception_ptr failure;
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  net::TaskGroup workers(executor, [&](const std::exception_ptr& caught) { failure = caught; });
  for (std::size_t i = 0; i < at_a_time; ++i) workers.spawn(work_on(round));
  co_await workers.join(net::no_deadline);
  if (failure) std::rethrow_exception(failure);
  std::vector<dns::Report> reports;
  for (auto& each : round.reports) {
    if (each) reports.push_back(std::move(*each));
  }
  co_return reports;
}

}  // namespace ecrelay::domains

#include "reports/domain_look.h"

#include <utility>

#include "dns/reply.h"

namespace ecrelay::reports {
namespace {

constexpr std::size_t most_known = 10'000;
constexpr std::chrono::minutes kept_for{5};

net::NameServers::Options options_of(const config::Dns& settings) {
  net::NameServers::Options options;
  if (settings.resolver)
    options.servers.emplace_back(settings.resolver->ip, settings.resolver->port);
  return options;
}

/// "0 .", and nothing else: the domain says that it takes no mail.
bool is_null(const std::vector<std::string>& servers) {
  return servers.size() == 1 && servers[0].ends_with(" .");
}

}  // namespace

DomainLooks::DomainLooks(const asio::any_io_executor& executor, const config::Dns& settings)
    : names_(executor, options_of(settings)) {}

asio::awaitable<DomainLook> DomainLooks::look(std::string domain) {
  const auto found = known_.find(domain);
  if (found != known_.end() && Clock::now() < found->second.until) co_return found->second.look;
  const DomainLook look = co_await ask(domain);
  if (known_.size() >= most_known) known_.clear();
  Known known;
  known.look = look;
  known.until = Clock::now() + kept_for;
  if (look != DomainLook::unknown) known_.insert_or_assign(std::move(domain), known);
  co_return look;
}

asio::awaitable<DomainLook> DomainLooks::ask(std::string domain) {
  const dns::Reply servers = co_await names_.ask(domain, dns::Type::mx);
  if (servers.standing == dns::Standing::no_name) co_return DomainLook::dead;
  if (servers.standing == dns::Standing::found)
    co_return is_null(servers.values) ? DomainLook::dead : DomainLook::lives;
  if (!servers.answered()) co_return DomainLook::unknown;
  // Without MX its own address is the mail server (RFC 5321 5.1).
  const dns::Reply v4 = co_await names_.ask(domain, dns::Type::a);
  if (v4.standing == dns::Standing::found) co_return DomainLook::lives;
  const dns::Reply v6 = co_await names_.ask(domain, dns::Type::aaaa);
  if (v6.standing == dns::Standing::found) co_return DomainLook::lives;
  co_return v4.answered() && v6.answered() ? DomainLook::dead : DomainLook::unknown;
}

}  // namespace ecrelay::reports

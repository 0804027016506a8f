#include "net/resolver.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "core/text.h"
#include "net/answer.h"
#include "net/cares.h"
#include "net/sockaddr.h"

namespace ecrelay::net {

namespace {

using Addresses = std::vector<IpAddress>;
using Clock = std::chrono::steady_clock;

/// What one family's lookup gave.
struct Found {
  int status = ARES_ENODATA;
  Addresses addresses;
  std::chrono::seconds ttl = std::chrono::seconds::max();
};

std::string unbracketed(const std::string& host) {
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return bracketed ? host.substr(1, host.size() - 2) : host;
}

bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= 254 && std::all_of(host.begin(), host.end(), [](char c) {
    return text::is_alnum(c) || c == '-' || c == '.' || c == '_';
  });
}

Found found(int status, const ares_addrinfo* info) {
  Found result;
  result.status = status;
  if (status != ARES_SUCCESS) return result;
  for (const ares_addrinfo_node* node = info->nodes; node != nullptr; node = node->ai_next) {
    SocketAddress address{};
    std::copy_n(reinterpret_cast<const char*>(node->ai_addr), node->ai_addrlen,
                reinterpret_cast<char*>(&address));
    result.addresses.push_back(to_endpoint(address).address);
    result.ttl = std::min(result.ttl, std::chrono::seconds(node->ai_ttl));
  }
  return result;
}

void on_found(void* context, int status, int, ares_addrinfo* info) {
  const std::unique_ptr<std::function<void(Found)>> done(
      static_cast<std::function<void(Found)>*>(context));
  (*done)(found(status, info));
  if (info != nullptr) ares_freeaddrinfo(info);
}

bool says_no(int status) { return status == ARES_ENOTFOUND || status == ARES_ENODATA; }

/// A name is only said not to exist when both questions were answered so.
Error failure(const std::string& host, const Found& v4, const Found& v6) {
  if (v4.status == ARES_EBADNAME) return invalid(host + ": not a host name");
  const int reason = says_no(v4.status) ? v6.status : v4.status;
  const std::string detail = "address of " + host + ": " + ares_strerror(reason);
  return says_no(reason) ? not_found(detail) : unavailable(detail);
}

}  // namespace

struct Resolver::State {
  struct Cached {
    Addresses addresses;
    Clock::time_point until;
  };

  State(asio::any_io_executor executor, Options chosen);

  void ask(const std::string& host, int family, std::function<void(Found)> done);
  const Addresses* cached(const std::string& host);
  void keep(const std::string& host, const Addresses& addresses, std::chrono::seconds ttl);

  Options options;
  std::shared_ptr<CaresChannel> channel;
  std::unordered_map<std::string, Cached> cache;
};

Resolver::State::State(asio::any_io_executor executor, Options chosen)
    : options(std::move(chosen)) {
  CaresChannel::Options settings;
  settings.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  settings.servers = options.servers;
  settings.timeout = options.timeout;
  settings.tries = options.tries;
  settings.hosts_file = true;
  channel = std::make_shared<CaresChannel>(std::move(executor), settings);
}

void Resolver::State::ask(const std::string& host, int family, std::function<void(Found)> done) {
  ares_addrinfo_hints hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;  // sorting would open a socket for each address
  auto* context = new std::function<void(Found)>(std::move(done));
  ares_getaddrinfo(channel->handle(), host.c_str(), nullptr, &hints, &on_found, context);
  channel->watch_time();
}

const Addresses* Resolver::State::cached(const std::string& host) {
  const auto entry = cache.find(host);
  if (entry == cache.end()) return nullptr;
  if (Clock::now() < entry->second.until) return &entry->second.addresses;
  cache.erase(entry);
  return nullptr;
}

void Resolver::State::keep(const std::string& host, const Addresses& addresses,
                           std::chrono::seconds ttl) {
  ttl = std::min(ttl, options.longest_ttl);
  if (options.cache_entries == 0 || ttl.count() <= 0) return;
  if (cache.size() >= options.cache_entries) {
    std::erase_if(cache,
                  [now = Clock::now()](const auto& entry) { return entry.second.until <= now; });
  }
  if (cache.size() >= options.cache_entries) cache.erase(cache.begin());
  cache.insert_or_assign(host, Cached{addresses, Clock::now() + ttl});
}

Resolver::Resolver(asio::any_io_executor executor, Options options)
    : state_(std::make_shared<State>(std::move(executor), std::move(options))) {}
Resolver::Resolver(asio::any_io_executor executor) : Resolver(std::move(executor), Options()) {}
Resolver::~Resolver() { ares_cancel(state_->channel->handle()); }

asio::awaitable<Result<std::vector<IpAddress>>> Resolver::addresses(std::string host) {
  const auto state = state_;
  if (const auto literal = IpAddress::parse(unbracketed(host))) co_return Addresses(1, *literal);
  if (!is_host_name(host)) co_return invalid("not a host name: " + host);
  host = text::lowered(host);
  if (const Addresses* known = state->cached(host)) co_return *known;

  // Two questions and not one for both families: c-ares would report SERVFAIL for one and "none"
  // for the other as "none".
  Answer<Found> v4_answer(state->channel->executor());
  Answer<Found> v6_answer(state->channel->executor());
  // But one for localhost: c-ares 1.18 leaks its name for a family that the hosts file lacks.
  const bool once = host == "localhost";
  state->ask(host, once ? AF_UNSPEC : AF_INET, v4_answer.done());
  if (once) {
    v6_answer.done()(Found());
  } else {
    state->ask(host, AF_INET6, v6_answer.done());
  }
  Found v4 = co_await v4_answer.result();
  Found v6 = co_await v6_answer.result();
  for (Found* each : {&v4, &v6})
    each->addresses.resize(std::min(each->addresses.size(), state->options.most_addresses));
  if (v4.addresses.empty() && v6.addresses.empty()) co_return failure(host, v4, v6);
  v4.addresses.insert(v4.addresses.end(), v6.addresses.begin(), v6.addresses.end());
  state->keep(host, v4.addresses, std::min(v4.ttl, v6.ttl));
  co_return std::move(v4.addresses);
}

}  // namespace ecrelay::net

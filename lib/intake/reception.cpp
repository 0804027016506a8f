#include "intake/reception.h"

#include <sys/random.h>
#include <algorithm>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <span>
#include <system_error>
#include <utility>

#include "intake/session.h"
#include "log/events.h"
#include "log/failure.h"
#include "smtp/proxy_header.h"
#include "smtp/reply.h"

namespace ecrelay::intake {
namespace {

/// A refusal in place of the banner may take no more than this.
constexpr std::chrono::seconds refusal_time{2};
/// So many a second are told in the log and have a moment to read their reply. In a flood what is
/// beyond gets the reply if it can be sent at once, and is counted: time, descriptors and log are
/// for those who may send.
constexpr std::uint32_t polite_refusals = 200;

template <std::size_t size>
std::array<std::uint8_t, size> random_bytes() {
  std::array<std::uint8_t, size> bytes{};
  if (getrandom(bytes.data(), size, 0) != static_cast<ssize_t>(size)) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  return bytes;
}

std::string hex(const std::array<std::uint8_t, 4>& bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    text += digits[byte >> 4];
    text += digits[byte & 15U];
  }
  return text;
}

asio::awaitable<void> turn_away(net::Stream stream, smtp::Reply reply) {
  stream.set_deadline(net::after(refusal_time));
  const std::string wire = reply.wire();
  try {
    co_await stream.write(wire);
  } catch (const net::IoError&) {
    // Nobody listens to the refusal: that is as good.
  }
  co_await stream.close();
}

asio::awaitable<void> hold(Reception& reception, std::unique_ptr<Session> session,
                           std::string host) {
  // However the session ends, its place is free again.
  struct Place {
    Place(Reception& in, std::string of) : reception(in), host(std::move(of)) {}
    ~Place() { reception.connections().leave(host); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    Reception& reception;
    std::string host;
  };
  const Place place(reception, std::move(host));
  co_await session->run();
}

policy::VerifiedLogins::Bounds login_bounds(const config::Limits& limits) {
  return {10'000, std::chrono::duration_cast<std::chrono::seconds>(limits.login_memory)};
}

/// Of limits.memory, for the one message that goes on when all others wait.
std::size_t reserve_of(const config::Limits& limits) {
  return std::min(limits.message_size.bytes, limits.memory_of_sessions() / 2);
}

}  // namespace

std::string_view to_text(Counters::Verb verb) {
  constexpr std::string_view names[] = {"helo", "mail", "rcpt", "data", "body", "auth"};
  return names[static_cast<std::size_t>(verb)];
}

Reception::Reception(Ports ports, std::shared_ptr<const Site> site)
    : ports_(std::move(ports)),
      site_(std::move(site)),
      memory_(site_->settings.limits.memory_of_sessions(), reserve_of(site_->settings.limits),
              [this] { memory_freed_.notify_one(); }),
      memory_freed_(ports_.executor),
      connections_(site_->settings.limits.connections),
      verified_logins_(random_bytes<32>(), login_bounds(site_->settings.limits)),
      refusals_(polite_refusals, polite_refusals, ecrelay::now()),
      session_prefix_(hex(random_bytes<4>())),
      accepting_(ports_.executor, log::failure_teller("session")),
      sessions_running_(ports_.executor, log::failure_teller("session")) {}

Result<void> Reception::listen() {
  auto doors = open_doors(*site_);
  if (!doors) return doors.error();
  adopt(site_, std::move(*doors));
  return Result<void>();
}

Result<Reception::Doors> Reception::open_doors(const Site& site) const {
  Doors open = doors_;
  Doors doors;
  for (const config::Listener& listener : site.settings.listeners) {
    const auto known = std::find_if(open.begin(), open.end(), [&](const auto& door) {
      return door->address == listener.address;
    });
    if (known != open.end()) {
      doors.push_back(*known);
      open.erase(known);
      continue;
    }
    auto opened = ports_.listen(net::Endpoint(listener.address.ip, listener.address.port));
    if (!opened) return opened.error();
    doors.push_back(std::make_shared<Door>(listener.address, std::move(*opened)));
  }
  return doors;
}

void Reception::adopt(std::shared_ptr<const Site> site, Doors doors) {
  const Doors before = std::exchange(doors_, std::move(doors));
  site_ = std::move(site);
  apply_limits();
  for (std::size_t place = 0; place < doors_.size(); ++place) doors_[place]->place = place;
  for (const auto& door : doors_)
    if (std::find(before.begin(), before.end(), door) == before.end()) serve(door);
  for (const auto& door : before)
    if (std::find(doors_.begin(), doors_.end(), door) == doors_.end()) door->listener.stop();
}

void Reception::apply_limits() {
  const config::Limits& limits = site_->settings.limits;
  memory_.set_limit(limits.memory_of_sessions(), reserve_of(limits));
  connections_.set_total(limits.connections);
  verified_logins_.set_bounds(login_bounds(limits));
  verified_logins_.clear();  // a password may have changed
  const TimePoint at = now();
  for (auto& [id, meter] : meters_)
    if (const policy::Shop* shop = site_->admission.find_shop(id))
      meter.set_limits(shop->limits, at);
}

void Reception::serve(const std::shared_ptr<Door>& door) {
  accepting_.spawn(door->listener.serve(
      [this, door](net::Stream stream) { arrive(std::move(stream), door->place); },
      [](const std::string& reason) { log::accept_paused("listeners", reason); }));
}

void Reception::arrive(net::Stream stream, std::size_t listener) {
  ++counters_.connections;
  const auto& proxy = site_->settings.listeners[listener].proxy_protocol;
  const IpAddress from = stream.remote().address;
  const bool trusted =
      proxy && std::any_of(proxy->trusted.begin(), proxy->trusted.end(),
                           [&](const Network& network) { return network.contains(from); });
  if (trusted)
    sessions_running_.spawn(read_proxy_header(std::move(stream), site_, listener));
  else
    welcome(std::move(stream), site_, listener, from);
}

/// A balancer says whose connection it is. One that closes without a word only looked whether
/// somebody listens.
asio::awaitable<void> Reception::read_proxy_header(net::Stream stream,
                                                   std::shared_ptr<const Site> site,
                                                   std::size_t listener) {
  Client balancer;
  balancer.address = stream.remote().address;
  smtp::ProxyHeader header;
  std::array<char, 256> buffer{};
  std::string silence;
  bool stopped = false;
  stream.set_deadline(net::after(site->settings.limits.handshake_timeout));
  try {
    while (header.wants() > 0) {
      const std::span<char> room(buffer.data(), std::min(header.wants(), buffer.size()));
      const std::size_t count = co_await stream.read_some(room);
      if (count == 0) co_return;
      header.receive(std::string_view(buffer.data(), count));
    }
  } catch (const net::IoError& error) {
    stopped = error.stopped();
    if (!error.timed_out() && !stopped) co_return;
    silence = stopped ? "stopping" : "no PROXY header within limits.handshake_timeout";
  }
  if (silence.empty() && header.client()) {
    const IpAddress from = header.client()->value_or(balancer.address);
    co_return welcome(std::move(stream), site, listener, from);
  }
  balancer.session = next_session_name();
  smtp::Reply reply(554, "5.7.1", "a PROXY header is expected here");
  if (stopped) reply = smtp::Reply(421, "4.3.2", "this server is shutting down, try again");
  const std::string reason = silence.empty() ? header.client().error().detail : silence;
  refuse(std::move(stream), balancer, std::move(reply), reason);
}

void Reception::welcome(net::Stream stream, const std::shared_ptr<const Site>& site,
                        std::size_t listener, const IpAddress& from) {
  Client client;
  client.session = next_session_name();
  client.address = from;
  client.host = site->admission.find_host(client.address);
  if (client.host == nullptr) {
    smtp::Reply reply(554, "5.7.1", client.address.text() + " is not an authorized host");
    return refuse(std::move(stream), client, std::move(reply),
                  "no host of the configuration has this address");
  }
  using Entry = policy::ConnectionCaps::Entry;
  const Entry entry = connections_.enter(*client.host);
  if (entry != Entry::open) {
    smtp::Reply reply(421, "4.3.2", "too many connections, try again later");
    return refuse(std::move(stream), client, std::move(reply),
                  entry == Entry::too_many ? "limits.connections" : "the host's max_connections");
  }
  std::string host = client.host->name;
  auto session =
      std::make_unique<Session>(*this, site, std::move(stream), listener, std::move(client));
  sessions_running_.spawn(hold(*this, std::move(session), std::move(host)));
}

void Reception::refuse(net::Stream stream, const Client& client, smtp::Reply reply,
                       std::string_view reason) {
  ++counters_.refused_connections;
  if (!refusals_.take(now()).allowed()) return stream.dismiss(reply.wire());
  const std::string_view host =
      client.host == nullptr ? std::string_view() : std::string_view(client.host->name);
  log::connect_refused(log::Peer{client.session, client.address, host},
                       log::Answer{reply.code, reply.enhanced, reply.text}, reason);
  sessions_running_.spawn(turn_away(std::move(stream), std::move(reply)));
}

asio::awaitable<void> Reception::stop(net::Deadline deadline) {
  for (const auto& door : doors_) door->listener.stop();
  accepting_.request_stop();
  sessions_running_.request_stop();
  co_await accepting_.join(deadline);
  co_await sessions_running_.join(deadline);
}

std::vector<net::Endpoint> Reception::endpoints() const {
  std::vector<net::Endpoint> result;
  for (const auto& door : doors_) result.push_back(door->listener.local());
  return result;
}

policy::ShopMeter& Reception::meter(const policy::Shop& shop, TimePoint now) {
  const auto found = meters_.find(shop.id);
  if (found != meters_.end()) return found->second;
  return meters_.try_emplace(shop.id, shop.limits, ports_.usage_of(shop.id, now), now)
      .first->second;
}

void Reception::charged(const std::string& shop, Money amount, TimePoint at) {
  const auto found = meters_.find(shop);
  // A shop without a meter reads the book when it needs one.
  if (found == meters_.end()) return;
  found->second.charged(amount, at);
  tell_limits(shop, at);
}

void Reception::tell_limits(const std::string& shop, TimePoint at) {
  const auto found = meters_.find(shop);
  if (found == meters_.end()) return;
  for (const policy::LimitUse& use : found->second.warnings(at)) {
    const policy::ShopUsage& usage = found->second.usage();
    const policy::ShopLimits& limits = found->second.limits();
    const bool day = use.limit == policy::Allowance::Limit::day;
    const std::string used =
        day ? std::to_string(usage.messages_today) : usage.yen_this_month.exact();
    const std::string of =
        day ? std::to_string(*limits.messages_per_day) : limits.yen_per_month->exact();
    log::limit_used(log::LimitUse{shop, day ? "day" : "month", used, of, use.percent, use.until});
  }
}

std::string Reception::next_session_name() {
  return session_prefix_ + "-" + std::to_string(++sessions_);
}

}  // namespace ecrelay::intake

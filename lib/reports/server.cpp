#include "reports/server.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "log/events.h"
#include "log/failure.h"
#include "mail/address.h"
#include "reports/session.h"

namespace ecrelay::reports {
namespace {

// Strangers may reach this listener; a smarthost needs few connections, and keeps what is not
// taken at once.
constexpr std::size_t most_connections = 100;
constexpr std::uint32_t most_of_an_address = 20;
constexpr std::uint32_t reports_a_second = 500;
constexpr std::uint32_t reports_at_once = 1000;
// One address leaves some of it to the others.
constexpr std::uint32_t of_an_address_a_second = 400;
constexpr std::uint32_t of_an_address_at_once = 800;
constexpr std::size_t most_addresses = 10'000;
constexpr std::chrono::seconds refusal_time{2};

asio::awaitable<void> turn_away(net::Stream stream, std::string wire) {
  stream.set_deadline(net::after(refusal_time));
  try {
    co_await stream.write(wire);
  } catch (const net::IoError&) {
    // Nobody listens to the refusal: that is as good.
  }
  co_await stream.close();
}

asio::awaitable<void> hold(policy::ConnectionCaps& connections, std::unique_ptr<Session> session,
                           std::string place) {
  // However the session ends, its place is free again.
  struct Place {
    Place(policy::ConnectionCaps& in, std::string of) : caps(in), name(std::move(of)) {}
    ~Place() { caps.leave(name); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    policy::ConnectionCaps& caps;
    std::string name;
  };
  const Place held(connections, std::move(place));
  co_await session->run();
}

std::unordered_set<std::string> forwarding_domains(const config::Settings& settings) {
  std::unordered_set<std::string> domains;
  for (const config::Shop& shop : settings.shops) {
    for (const config::Domain& domain : shop.domains)
      if (domain.forward_reports) domains.insert(mail::domain_key(domain.name));
  }
  return domains;
}

}  // namespace

std::string_view to_text(TurnedAway why) {
  constexpr std::array<std::string_view, ways_to_turn_away> names = {
      "network", "return_path", "sender", "body", "connections", "rate", "trouble"};
  return names[static_cast<std::size_t>(why)];
}

Result<std::shared_ptr<const Terms>> make_terms(std::shared_ptr<const config::Settings> settings,
                                                TimePoint at, const Terms* before) {
  auto terms = std::make_shared<Terms>();
  terms->settings = std::move(settings);
  terms->rules = policy::operator_rules(terms->settings->suppression.rules);
  const config::Reports& reports = terms->settings->reports;
  if (!reports.listen) return std::shared_ptr<const Terms>(std::move(terms));
  terms->return_paths.emplace(reports.secrets(), reports.lifetime);
  terms->forwarding = forwarding_domains(*terms->settings);
  if (reports.tls == config::ReportsTls::off) return std::shared_ptr<const Terms>(std::move(terms));
  net::TlsServer::Options options;
  const config::TlsVersion minimum = terms->settings->tls.minimum;
  if (minimum == config::TlsVersion::v1_3) options.minimum = net::TlsMinimum::v1_3;
  if (before != nullptr && before->tls && before->settings->tls.minimum == minimum &&
      before->tls->expires() > at &&
      before->settings->reports.certificate->pem == reports.certificate->pem &&
      before->settings->reports.key->value.reveal() == reports.key->value.reveal()) {
    terms->tls = before->tls;
    return std::shared_ptr<const Terms>(std::move(terms));
  }
  auto tls = net::TlsServer::make(reports.certificate->pem, reports.key->value, at, options);
  if (!tls) return invalid("reports.certificate: " + tls.error().detail);
  terms->tls = std::move(*tls);
  return std::shared_ptr<const Terms>(std::move(terms));
}

Server::Server(Ports ports, std::shared_ptr<const Terms> terms)
    : ports_(std::move(ports)),
      terms_(std::move(terms)),
      connections_(most_connections),
      rate_(reports_a_second, reports_at_once, now()),
      accepting_(ports_.executor, log::failure_teller("reports")),
      sessions_(ports_.executor, log::failure_teller("reports")) {}

Result<void> Server::listen() {
  auto door = open_door(*terms_);
  if (!door) return door.error();
  adopt(terms_, std::move(*door));
  return Result<void>();
}

Result<std::shared_ptr<Server::Door>> Server::open_door(const Terms& terms) const {
  const auto& at = terms.settings->reports.listen;
  if (!at) return std::shared_ptr<Door>();
  if (door_ && door_->address == *at) return door_;
  auto opened = ports_.listen(net::Endpoint(at->ip, at->port));
  if (!opened) return opened.error();
  return std::make_shared<Door>(*at, std::move(*opened));
}

void Server::adopt(std::shared_ptr<const Terms> terms, std::shared_ptr<Door> door) {
  terms_ = std::move(terms);
  domain_looks_ = std::make_shared<DomainLooks>(ports_.executor, terms_->settings->dns);
  const std::shared_ptr<Door> before = std::exchange(door_, std::move(door));
  if (before == door_) return;
  if (before) before->listener.stop();
  if (!door_) return;
  accepting_.spawn(door_->listener.serve(
      [this, open = door_](net::Stream stream) { welcome(std::move(stream)); },
      [](const std::string& reason) { log::accept_paused("reports", reason); }));
}

bool Server::knows(const IpAddress& address) const {
  const auto& networks = terms_->settings->reports.networks;
  return std::any_of(networks.begin(), networks.end(),
                     [&](const Network& network) { return network.contains(address); });
}

bool Server::admits_another(const IpAddress& from, TimePoint now) {
  // Only who had a return path is among them: it takes long until they are so many.
  if (peers_.size() >= most_addresses) peers_.clear();
  const auto peer = peers_
                        .try_emplace(from.neighbourhood().text(), of_an_address_a_second,
                                     of_an_address_at_once, now)
                        .first;
  return peer->second.take(now).allowed() && rate_.take(now).allowed();
}

void Server::welcome(net::Stream stream) {
  ++counters_.connections;
  const IpAddress address = stream.remote().address;
  if (!knows(address)) {
    return refuse(std::move(stream), TurnedAway::network,
                  smtp::Reply(554, "5.7.1", address.text() + " may bring no reports"));
  }
  policy::Host place;
  place.name = address.neighbourhood().text();
  place.max_connections = most_of_an_address;
  if (connections_.enter(place) != policy::ConnectionCaps::Entry::open) {
    return refuse(std::move(stream), TurnedAway::connections,
                  smtp::Reply(421, "4.3.2", "too many connections, try again later"));
  }
  auto session = std::make_unique<Session>(*this, std::move(stream),
                                           "reports-" + std::to_string(counters_.connections));
  sessions_.spawn(hold(connections_, std::move(session), place.name));
}

void Server::refuse(net::Stream stream, TurnedAway why, smtp::Reply reply) {
  ++counters_.of(why);
  const log::Peer peer{{}, stream.remote().address, "reports"};
  log::connect_refused(peer, log::Answer{reply.code, reply.enhanced, reply.text},
                       why == TurnedAway::network ? "reports.networks" : "reports");
  sessions_.spawn(turn_away(std::move(stream), reply.wire()));
}

asio::awaitable<void> Server::stop(net::Deadline deadline) {
  if (door_) door_->listener.stop();
  accepting_.request_stop();
  sessions_.request_stop();
  co_await accepting_.join(deadline);
  co_await sessions_.join(deadline);
}

std::optional<net::Endpoint> Server::endpoint() const {
  if (!door_) return std::nullopt;
  return door_->listener.local();
}

}  // namespace ecrelay::reports

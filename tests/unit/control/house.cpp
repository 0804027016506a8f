#include "house.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/post.hpp>

#include <cstring>
#include <fstream>
#include <future>
#include <stdexcept>
#include <utility>

#include "config/loader.h"
#include "control/client.h"
#include "control/consult.h"
#include "dkim/key.h"
#include "domains/examination.h"
#include "policy/admission.h"

namespace ecrelay::control {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view config_text = R"(hostname: relay.example.jp
state_dir: state
control: {socket: control.sock}
listeners: [{address: "127.0.0.1:2525"}]
hosts: [{name: app, networks: [127.0.0.1/32], shops: [shop-a]}]
shops:
  - id: shop-a
    name: ショップA
    domains: [{name: shop-a.example, return_path: bounce.shop-a.example,
               dkim: [{selector: r1, key: "file:keys/r1.pem"}]}]
  - {id: shop-b, domains: [{name: shop-b.example}]}
upstreams: [{name: default, servers: [{address: "smtp.example.net:587"}]}]
reports: {listen: "127.0.0.1:2526", secret: file:keys/reports}
dns: {resolver: "127.0.0.1:1"}  # nobody is there
)";

void write(const fs::path& path, std::string_view text) {
  std::ofstream(path) << text;
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
}

/// The admission of config_text; intake makes it from the settings, and is a sibling.
policy::Admission admission() {
  policy::Host host;
  host.name = "app";
  host.networks = {*Network::parse("127.0.0.1/32")};
  host.shops = {"shop-a"};
  policy::Shop a, b;
  a.id = "shop-a";
  a.domains = {"shop-a.example"};
  b.id = "shop-b";
  b.domains = {"shop-b.example"};
  return *policy::Admission::build({host}, {a, b});
}

std::vector<policy::Step> explained(const IpAddress& client,
                                    std::optional<std::string_view> sender_domain) {
  return admission().explain(client, sender_domain);
}

Examine examiner(const config::Settings& settings) {
  return [shared = std::make_shared<const config::Settings>(settings)](const DnsOrder& order) {
    return domains::examine_some(shared, order.domain, order.resolver);
  };
}

asio::awaitable<Result<Ulid>> send_test(House* house, TestMail mail) {
  if (mail.shop != "shop-a") co_return not_found("there is no shop '" + mail.shop + "'");
  house->told.tests.push_back(mail.recipient);
  co_return new_ulid(now());
}

asio::awaitable<Result<Reloaded>> reload(House* house) {
  ++house->told.reloads;
  co_return house->reload_answer();
}

Ports ports_of(House* house, std::shared_ptr<const config::Settings> settings) {
  Ports ports;
  ports.status = [house] { return house->status(); };
  ports.settings = [settings] { return settings; };
  ports.explain = explained;
  ports.dns_records = [] { return std::vector<records::DnsRecord>(); };
  ports.examine = examiner(*settings);
  ports.retried = [house](const store::QueueFilter& filter, TimePoint) {
    house->told.retried.push_back(filter);
  };
  ports.withhold = [house](const std::string&, const Ulid& message) {
    if (house->in_delivery.contains(message)) return false;
    house->told.withheld.push_back(message);
    return true;
  };
  ports.give_back = [house](const std::string&, const Ulid& message) {
    house->told.given_back.push_back(message);
  };
  ports.released = [house](const std::string&, const Ulid& message, TimePoint) {
    house->told.released.push_back(message);
  };
  ports.queued_by = [house](std::int64_t change) { house->told.queued_by += change; };
  ports.parked_by = [](std::int64_t) {};
  ports.suppression_changed = [house](const std::string& key) {
    house->told.changed_keys.push_back(key);
  };
  ports.send_test = [house](const TestMail& mail) { return send_test(house, mail); };
  ports.reload = [house] { return reload(house); };
  return ports;
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string path = (fs::temp_directory_path() / "ecrelay-control-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = path;
}

TemporaryFolder::~TemporaryFolder() { fs::remove_all(path_); }

House::House() {
  fs::create_directory(folder() / "keys");
  fs::create_directory(folder() / "state");
  fs::permissions(folder() / "state", fs::perms::owner_all);
  static const dkim::Key key = *dkim::Key::generate(dkim::Algorithm::rsa_sha256);
  write(folder() / "keys/r1.pem", key.pem().reveal());
  write(folder() / "keys/reports", "0123456789abcdef0123456789abcdef");
  write(folder() / "ecrelay.yaml", config_text);
  config::LoadOutcome loaded = config::load(config_file());
  for (const config::Problem& problem : loaded.errors) ADD_FAILURE() << problem.text();
  settings_ = std::make_shared<const config::Settings>(std::move(*loaded.settings));
  status_.up_since = now();
  status_.accepting = true;
  store::Store::Settings settings;
  settings.state_dir = (folder() / "state").string();
  store_ = std::make_unique<store::Store>(std::move(settings));
  serve();
}

House::~House() { stop(); }

Status House::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void House::set_status(const Status& status) {
  const std::lock_guard lock(mutex_);
  status_ = status;
}

Result<Reloaded> House::reload_answer() const {
  const std::lock_guard lock(mutex_);
  return reload_answer_;
}

void House::set_reload_answer(const Result<Reloaded>& answer) {
  const std::lock_guard lock(mutex_);
  reload_answer_ = answer;
}

void House::serve() {
  tasks_.emplace(context_.get_executor(), [](std::exception_ptr failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      ADD_FAILURE() << "escaped from a task: " << error.what();
    }
  });
  server_ = std::make_unique<Server>(*tasks_, store_->writer(), store_->book(),
                                     ports_of(this, settings_));
  auto local = net::UnixListener::open(context_.get_executor(), socket());
  auto web = net::Listener::open(context_.get_executor(), *net::Endpoint::parse("127.0.0.1:0"));
  http_port_ = web->local().port;
  server_->serve(std::move(*local), socket());
  server_->serve_http(std::move(*web));
  thread_ = std::thread([this] { context_.run(); });
}

void House::stop() {
  if (!thread_.joinable()) return;
  asio::post(context_, [this] { tasks_->request_stop(); });
  thread_.join();
}

Ulid House::accept(const std::string& recipient, const std::string& subject) {
  const TimePoint at = now();
  store::Acceptance acceptance;
  records::Message& message = acceptance.message;
  message.id = new_ulid(at);
  message.accepted_at = at;
  message.expires_at = at + std::chrono::hours(48);
  message.shop = "shop-a";
  message.host = "app";
  message.client = "127.0.0.1";
  message.session = "S1";
  message.sender = "order@shop-a.example";
  message.header_from = "order@shop-a.example";
  message.message_id = "<" + message.id.text() + "@shop-a.example>";
  message.subject = subject;
  message.upstream = "default";
  message.signatures = "d=shop-a.example s=r1 a=rsa-sha256";
  records::Recipient to;
  to.message = message.id;
  to.address = recipient;
  to.key = recipient;
  to.due = at + std::chrono::hours(1);
  acceptance.recipients.push_back(std::move(to));
  acceptance.head = "Received: by relay.example.jp\r\n";
  acceptance.body = std::make_shared<const std::string>("From: order@shop-a.example\r\n\r\nhi\r\n");
  const Ulid id = message.id;
  std::promise<bool> stored;
  (void)store_->writer().accept(std::move(acceptance), [&](store::AcceptOutcome outcome) {
    stored.set_value(std::holds_alternative<store::Stored>(outcome));
  });
  EXPECT_TRUE(stored.get_future().get());
  return id;
}

void House::deliver(const Ulid& id, records::State state, const std::string& reply) {
  records::Attempt attempt;
  attempt.message = id;
  attempt.at = now();
  attempt.upstream = "default";
  attempt.server = "smtp.example.net:192.0.2.1:587";
  attempt.stage = "dot";
  attempt.code = state == records::State::sent ? 250 : 550;
  attempt.enhanced = state == records::State::sent ? "2.0.0" : "5.1.1";
  attempt.reply = reply;
  attempt.verdict = records::text(state);
  attempt.duration = std::chrono::milliseconds(23);
  store::RecipientOutcome one;
  one.state = state;
  one.reply = reply;
  one.attempt = attempt;
  store::Outcome outcome;
  outcome.message = id;
  outcome.at = attempt.at;
  outcome.recipients.push_back(std::move(one));
  if (state == records::State::sent) {
    outcome.charges.push_back({records::Unit::message, 0, Money::milli_yen(100)});
  }
  std::promise<bool> recorded;
  store_->writer().record(std::move(outcome), [&](const Result<void>& done) {
    recorded.set_value(static_cast<bool>(done));
  });
  EXPECT_TRUE(recorded.get_future().get());
}

Reply House::ask(const std::string& command, boost::json::object arguments) const {
  auto reply = control::ask(socket(), Request{command, std::move(arguments)});
  if (reply) return *reply;
  ADD_FAILURE() << "not reached: " << reply.error().detail;
  return Fault(FaultCode::internal, "not reached");
}

Reply House::ask_files(const std::string& command, boost::json::object arguments) const {
  Whereabouts place;
  place.config = config_file();
  place.socket = (folder() / "nobody.sock").string();
  const Explainer explainer = [](const config::Settings&) { return Explain(explained); };
  return consult(place, Request{command, std::move(arguments)}, {explainer, examiner}).reply;
}

boost::json::object arguments(std::initializer_list<Given> given) {
  boost::json::object object;
  for (const Given& each : given) object[each.name] = each.value;
  return object;
}

boost::json::object result_of(const Reply& reply) {
  if (const auto* result = std::get_if<boost::json::object>(&reply)) return *result;
  ADD_FAILURE() << "a fault: " << std::get<Fault>(reply).message;
  return {};
}

Fault fault_of(const Reply& reply) {
  if (const auto* fault = std::get_if<Fault>(&reply)) return *fault;
  ADD_FAILURE() << "no fault: " << to_line(reply);
  return Fault(FaultCode::internal, "");
}

Line Line::local(const std::string& path) {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("cannot connect to " + path);
  }
  return Line(socket);
}

Line Line::tcp(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("cannot connect");
  }
  return Line(socket);
}

Line::~Line() {
  if (socket_ >= 0) ::close(socket_);
}

void Line::say(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the other side has hung up, as it may
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string Line::read_line() const {
  std::string line;
  char byte = 0;
  while (::recv(socket_, &byte, 1, 0) == 1) {
    line += byte;
    if (byte == '\n') break;
  }
  return line;
}

std::string Line::read_all() const {
  std::string all;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::recv(socket_, buffer, sizeof buffer, 0)) > 0;) {
    all.append(buffer, static_cast<std::size_t>(count));
  }
  return all;
}

}  // namespace ecrelay::control

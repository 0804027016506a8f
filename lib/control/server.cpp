#include "control/server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <utility>
#include <variant>

#include "control/answers.h"
#include "control/arguments.h"
#include "control/caller.h"
#include "control/changes.h"
#include "control/http.h"
#include "control/json.h"
#include "control/metrics.h"
#include "control/money_answers.h"
#include "control/rates.h"
#include "control/wire.h"
#include "core/escape.h"
#include "log/events.h"
#include "net/answer.h"
#include "net/timer.h"
#include "net/workers.h"
#include "store/audit.h"
#include "store/inquiry.h"

namespace ecrelay::control {
namespace {

constexpr std::size_t most_connections = 32;
constexpr std::chrono::seconds patience{30};
/// Between two looks into the book for the metrics.
constexpr std::chrono::seconds figures_interval{30};

/// Counts a connection for as long as it lives, which may be longer than the server: what still
/// talks when the daemon stops goes with the io_context.
class Seat {
 public:
  explicit Seat(std::shared_ptr<std::size_t> taken) : taken_(std::move(taken)) { ++*taken_; }
  Seat(Seat&& other) noexcept = default;
  Seat& operator=(Seat&&) = delete;
  ~Seat() {
    if (taken_) --*taken_;
  }

 private:
  std::shared_ptr<std::size_t> taken_;
};

/// What a worker takes along: a request, who asked, and the configuration in force.
struct Errand {
  Request request;
  Caller caller;
  std::shared_ptr<const config::Settings> settings;
  std::string book;
  Gauge* gauge = nullptr;  ///< for what is slow
};

/// The gauge stands at nothing when the errand is over.
class Gauging {
 public:
  explicit Gauging(const Errand& errand)
      : gauge_(is_slow(errand.request.command) ? errand.gauge : nullptr) {}
  Gauging(const Gauging&) = delete;
  Gauging& operator=(const Gauging&) = delete;
  ~Gauging() {
    if (gauge_ != nullptr) gauge_->show({});
  }
  ProgressReport report() const { return gauge_ != nullptr ? gauge_->report() : ProgressReport(); }

 private:
  Gauge* gauge_;
};

/// Long lists become text here too, not on the network thread.
std::string ask_book(const Errand& errand) {
  store::Inquiry book(errand.book);
  const Gauging gauging(errand);
  const Question question{errand.request.arguments, book, *errand.settings, now(),
                          gauging.report()};
  return to_line(reply_of(answer_from_book(errand.request.command, question)));
}

std::string ask_settings(const Errand& errand) {
  return to_line(reply_of(
      answer_from_settings(errand.request.command, errand.request.arguments, *errand.settings)));
}

Result<Change> plan(const Errand& errand) {
  store::Inquiry book(errand.book);
  const Gauging gauging(errand);
  const Question question{errand.request.arguments, book, *errand.settings, now(),
                          gauging.report()};
  return plan_change(errand.request.command, question, errand.caller);
}

/// A book in trouble is the moment when `status` is needed most.
boost::json::object summary_of(const std::string& path) {
  try {
    store::Inquiry book(path);
    return summary(book, now());
  } catch (const store::Failure& failure) {
    boost::json::object trouble;
    trouble["book_trouble"] = json_text(failure.what());
    return trouble;
  }
}

std::optional<BookFigures> figures_of(const std::string& path) {
  try {
    return read_figures(path, now());
  } catch (const store::Failure&) {
    return std::nullopt;
  }
}

boost::json::object to_json(const Progress& progress) {
  boost::json::object object;
  object["done"] = progress.done;
  object["all"] = progress.all;
  return object;
}

records::AuditRow row_of(std::string actor, std::string origin, std::string action,
                         std::string target) {
  records::AuditRow row;
  row.actor = std::move(actor);
  row.origin = std::move(origin);
  row.action = std::move(action);
  row.target = std::move(target);
  return row;
}

asio::awaitable<void> say(net::LocalStream& stream, std::string line) {
  stream.stream().set_deadline(net::after(patience));
  line += '\n';
  co_await stream.write(line);
}

asio::awaitable<void> refuse(net::LocalStream& stream, FaultCode code, std::string why) {
  std::string line = to_line(Fault(code, std::move(why)));
  co_await say(stream, std::move(line));
  co_await stream.stream().close();
}

gid_t group_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_gid : getegid();
}

}  // namespace

struct Server::State {
  State(net::TaskGroup& all, store::Writer& to, std::string path, Ports with)
      : tasks(all), writer(to), book(std::move(path)), ports(std::move(with)) {}

  asio::awaitable<void> listen();
  asio::awaitable<void> listen_http();
  void welcome(net::LocalStream stream);
  void welcome_http(net::Stream stream);
  asio::awaitable<void> converse(net::LocalStream stream, Seat seat);
  asio::awaitable<void> turn_away(net::LocalStream stream);
  asio::awaitable<void> questions(net::LocalStream& stream, Caller caller);
  asio::awaitable<void> http(net::Stream stream, Seat seat);
  asio::awaitable<void> sample();
  asio::awaitable<void> read_book();

  asio::awaitable<std::string> answer(std::string line, Caller caller);
  asio::awaitable<std::string> answer_request(Errand errand);
  asio::awaitable<Reply> change(Errand errand);
  asio::awaitable<Result<void>> write_rest(std::function<bool(store::Transaction&)> rest);
  asio::awaitable<Result<void>> write(std::function<void(store::Transaction&)> work);
  asio::awaitable<Reply> status();
  asio::awaitable<Reply> reload_for(Caller caller);
  asio::awaitable<Reply> reload(records::AuditRow row);
  asio::awaitable<Reply> send_test(Errand errand);
  Reply explain(const Request& request) const;

  net::TaskGroup& tasks;
  store::Writer& writer;
  std::string book;
  Ports ports;
  Rates rates;
  std::optional<BookFigures> figures;
  Gauge gauge;
  gid_t group = 0;
  std::shared_ptr<std::size_t> connections = std::make_shared<std::size_t>(0);
  std::shared_ptr<std::size_t> http_connections = std::make_shared<std::size_t>(0);
  std::optional<net::UnixListener> local;
  std::optional<net::Listener> web;
  net::Workers workers{"control", 1};
  net::Workers slow_workers{"accounts", 1};  ///< for what reads a whole month
};

// --- connections --------------------------------------------------------------------------

/// Once told to stop it closes the door, so that nobody waits in front of it for an answer.
asio::awaitable<void> Server::State::listen() {
  net::UnixListener::Handler handler = [this](net::LocalStream stream) {
    welcome(std::move(stream));
  };
  net::UnixListener::Complaint complaint = [](const std::string& reason) {
    log::accept_paused("control socket", reason);
  };
  co_await local->serve(std::move(handler), std::move(complaint));
  local->stop();
}

asio::awaitable<void> Server::State::listen_http() {
  net::Listener::Handler handler = [this](net::Stream stream) { welcome_http(std::move(stream)); };
  net::Listener::Complaint complaint = [](const std::string& reason) {
    log::accept_paused("control http", reason);
  };
  co_await web->serve(std::move(handler), std::move(complaint));
  web->stop();
}

void Server::State::welcome(net::LocalStream stream) {
  if (*connections >= most_connections) {
    tasks.spawn(turn_away(std::move(stream)));
  } else {
    tasks.spawn(converse(std::move(stream), Seat(connections)));
  }
}

asio::awaitable<void> Server::State::turn_away(net::LocalStream stream) {
  try {
    co_await refuse(stream, FaultCode::unavailable, "too many control connections; try again");
  } catch (const net::IoError&) {
    co_return;
  }
}

asio::awaitable<void> Server::State::converse(net::LocalStream stream, [[maybe_unused]] Seat seat) {
  try {
    Caller caller = caller_of(stream);
    if (may_control(caller, geteuid(), group)) {
      co_await questions(stream, std::move(caller));
    } else {
      co_await refuse(stream, FaultCode::refused,
                      "not permitted: be root, the relay's own user or in the socket's group");
    }
  } catch (const net::IoError&) {
    co_return;  // gone, too slow, or the daemon stops
  }
}

asio::awaitable<void> Server::State::questions(net::LocalStream& stream, Caller caller) {
  for (;;) {
    stream.stream().set_deadline(net::after(patience));
    std::optional<std::string> line = co_await stream.read_line(max_request);
    if (!line) co_return;
    std::string reply = co_await answer(std::move(*line), caller);
    co_await say(stream, std::move(reply));
  }
}

void Server::State::welcome_http(net::Stream stream) {
  if (*http_connections < most_connections) {
    tasks.spawn(http(std::move(stream), Seat(http_connections)));
  }
}

asio::awaitable<void> Server::State::http(net::Stream stream, [[maybe_unused]] Seat seat) {
  Monitored monitored;
  monitored.status = ports.status;
  monitored.metrics = [this](const Status& status) {
    return metrics(status, ports.dns_records(), figures, now());
  };
  co_await serve_http_request(std::move(stream), std::move(monitored));
}

/// A book that cannot be read leaves the families of before; `status` and the log say why.
asio::awaitable<void> Server::State::read_book() {
  try {
    for (;;) {
      auto reading = workers.run([path = book] { return figures_of(path); });
      if (auto read = co_await std::move(reading)) figures = std::move(read);
      co_await net::sleep_until(net::after(figures_interval));
    }
  } catch (const net::IoError&) {
    co_return;  // the daemon stops
  }
}

asio::awaitable<void> Server::State::sample() {
  try {
    for (;;) {
      log::tell_repeated(std::chrono::steady_clock::now());
      rates.sample(ports.status().totals, std::chrono::steady_clock::now());
      co_await net::sleep_until(net::after(Rates::interval));
    }
  } catch (const net::IoError&) {
    co_return;  // the daemon stops
  }
}

// --- answers ------------------------------------------------------------------------------

/// The fence: whatever a request runs into, its sender gets an answer and the daemon lives.
asio::awaitable<std::string> Server::State::answer(std::string line, Caller caller) {
  std::string trouble;
  try {
    auto request = parse_request(line);
    if (!request) co_return to_line(reply_of(request.error()));
    Errand errand;
    errand.request = std::move(*request);
    errand.caller = std::move(caller);
    errand.settings = ports.settings();
    errand.book = book;
    errand.gauge = &gauge;
    co_return co_await answer_request(std::move(errand));
  } catch (const std::exception& failure) {
    trouble = failure.what();
  }
  log::internal_error("control", trouble);
  co_return to_line(Fault(FaultCode::internal, std::move(trouble)));
}

asio::awaitable<std::string> Server::State::answer_request(Errand errand) {
  const std::string command = errand.request.command;
  if (asks_the_book(command) || asks_the_settings(command)) {
    const auto ask = asks_the_book(command) ? ask_book : ask_settings;
    net::Workers& where = is_slow(command) ? slow_workers : workers;
    auto asking = where.run([errand = std::move(errand), ask] { return ask(errand); });
    co_return co_await std::move(asking);
  }
  Reply reply = reply_of(unknown_command(command));
  if (is_change(command)) reply = co_await change(std::move(errand));
  if (asks_dns(command)) {
    Answer found = co_await answer_dns(command, errand.request.arguments, ports.examine);
    reply = reply_of(std::move(found));
  }
  if (command == "progress") reply = to_json(gauge.read());
  if (command == "host.explain") reply = explain(errand.request);
  if (command == "status") reply = co_await status();
  if (command == "send.test") reply = co_await send_test(std::move(errand));
  if (command == "reload") reply = co_await reload_for(std::move(errand.caller));
  co_return to_line(reply);
}

Reply Server::State::explain(const Request& request) const {
  return reply_of(answer_explain(request.arguments, ports.explain));
}

asio::awaitable<Reply> Server::State::change(Errand errand) {
  net::Workers& where = is_slow(errand.request.command) ? slow_workers : workers;
  auto planning = where.run([errand = std::move(errand)] { return plan(errand); });
  const Result<Change> change = co_await std::move(planning);
  if (!change) co_return reply_of(change.error());
  if (auto fault = change->begin ? change->begin(ports) : std::nullopt) co_return *fault;
  const Result<void> done = co_await write(change->work);
  if (!done) {
    if (change->failed) change->failed(ports);
    co_return Fault(FaultCode::cannot_write, done.error().detail);
  }
  const Result<void> over = co_await write_rest(change->rest);
  gauge.show({});
  if (!over)
    co_return Fault(FaultCode::cannot_write,
                    "begun and not ended (" + over.error().detail + "): give the command again");
  co_return change->done(ports);
}

asio::awaitable<Result<void>> Server::State::write_rest(
    std::function<bool(store::Transaction&)> rest) {
  for (bool more = rest != nullptr; more;) {
    const auto found = std::make_shared<bool>(false);
    std::function<void(store::Transaction&)> work = [rest, found](store::Transaction& rows) {
      *found = rest(rows);
    };
    const Result<void> done = co_await write(std::move(work));
    if (!done) co_return done.error();
    more = *found;
  }
  co_return Result<void>();
}

asio::awaitable<Result<void>> Server::State::write(std::function<void(store::Transaction&)> work) {
  net::Answer<Result<void>> written(co_await asio::this_coro::executor);
  writer.change(std::move(work), written.done());
  co_return co_await written.result();
}

asio::awaitable<Reply> Server::State::status() {
  const Status live = ports.status();
  boost::json::object answer = to_json(live, now());
  answer["rates"] = rates.over_last_minute(live.totals, std::chrono::steady_clock::now());
  auto asking = workers.run([path = book] { return summary_of(path); });
  boost::json::object from_book = co_await std::move(asking);
  for (auto& [name, value] : from_book) answer[name] = std::move(value);
  co_return answer;
}

asio::awaitable<Reply> Server::State::reload_for(Caller caller) {
  auto naming = workers.run([caller = std::move(caller)] {
    return row_of(caller.actor(), caller.origin(), "reload", "configuration");
  });
  records::AuditRow row = co_await std::move(naming);
  co_return co_await reload(std::move(row));
}

asio::awaitable<Reply> Server::State::reload(records::AuditRow row) {
  const Result<Reloaded> reloaded = co_await ports.reload();
  row.at = now();
  const std::string outcome =
      reloaded ? summary(reloaded->changes) : "refused: " + reloaded.error().detail;
  row.detail = printable(outcome, 1000);
  log::admin_acted(row.actor, row.action, row.detail);
  std::function<void(store::Transaction&)> work = [row](store::Transaction& change) {
    store::audit(change, row);
  };
  const Result<void> audited = co_await write(std::move(work));
  if (!audited) log::store_trouble("audit of a reload", audited.error().detail);
  if (reloaded) co_return to_json(*reloaded);
  const bool broken = reloaded.error().code == ErrorCode::invalid;
  if (broken) co_return Fault(FaultCode::configuration, reloaded.error().detail);
  co_return reply_of(reloaded.error());
}

asio::awaitable<Reply> Server::State::send_test(Errand errand) {
  Arguments given(errand.request.arguments);
  TestMail mail;
  mail.shop = given.required("shop");
  mail.recipient = given.required("to");
  mail.sender = given.text("from").value_or("");
  if (const auto wrong = given.problem()) co_return reply_of(*wrong);
  auto naming = workers.run([caller = std::move(errand.caller), to = mail.recipient] {
    return row_of(caller.actor(), caller.origin(), "send-test", to);
  });
  records::AuditRow row = co_await std::move(naming);
  row.detail = "shop " + mail.shop;
  const Result<Ulid> sent = co_await ports.send_test(std::move(mail));
  if (!sent) co_return reply_of(sent.error());
  row.at = now();
  row.detail += ", id " + sent->text();
  log::admin_acted(row.actor, row.action, row.detail);
  std::function<void(store::Transaction&)> work = [row](store::Transaction& change) {
    store::audit(change, row);
  };
  const Result<void> audited = co_await write(std::move(work));
  if (!audited) log::store_trouble("audit of a test", audited.error().detail);
  boost::json::object answer;
  answer["id"] = sent->text();
  co_return answer;
}

// --- the server ---------------------------------------------------------------------------

Server::Server(net::TaskGroup& tasks, store::Writer& writer, std::string book, Ports ports)
    : state_(std::make_unique<State>(tasks, writer, std::move(book), std::move(ports))) {}

Server::~Server() = default;

void Server::serve(net::UnixListener listener, const std::string& path) {
  state_->group = group_of(path);
  state_->local.emplace(std::move(listener));
  state_->tasks.spawn(state_->listen());
  state_->tasks.spawn(state_->sample());
}

asio::awaitable<void> Server::reload_by_signal() {
  records::AuditRow row = row_of("signal", "SIGHUP", "reload", "configuration");
  co_await state_->reload(std::move(row));
}

void Server::serve_http(net::Listener listener) {
  state_->web.emplace(std::move(listener));
  state_->tasks.spawn(state_->listen_http());
  state_->tasks.spawn(state_->read_book());
}

}  // namespace ecrelay::control

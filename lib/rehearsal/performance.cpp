#include "rehearsal/performance.h"

#include <chrono>
#include <utility>

#include "net/timer.h"

namespace ecrelay::rehearsal {
namespace {

using smtp::Reply;
using smtp::Stage;

/// Longer than any rehearsal waits for a client.
constexpr std::chrono::minutes patience{15};

smtp::Limits generous_limits() {
  smtp::Limits limits;
  limits.recipients = 100'000;
  limits.body_line = 64U << 20;
  limits.chunks = 1'000'000;
  limits.idle_commands = 1'000'000;
  return limits;
}

}  // namespace

Performance::Performance(Sink& sink, net::Stream stream)
    : sink_(sink),
      stream_(std::move(stream)),
      protocol_(capabilities(), generous_limits()),
      buffer_(smtp::ServerProtocol::max_read) {
  message_.client = stream_.remote().text();
}

asio::awaitable<void> Performance::run() {
  try {
    co_await converse();
  } catch (const Dropped&) {
    stream_.abort();
  } catch (const net::IoError&) {
    // A client that breaks off is part of a rehearsal.
    stream_.abort();
  }
  if (stream_.is_open()) co_await stream_.close();
}

asio::awaitable<void> Performance::converse() {
  if (sink_.settings().implicit_tls) co_await start_tls();
  const Reply greeting =
      co_await played(sink_.settings().script.at(Stage::greeting),
                      Reply(220, "", sink_.settings().hostname + " ESMTP rehearsal"));
  protocol_.answer(greeting);
  for (;;) {
    while (auto event = protocol_.next_event()) {
      if (const auto* part = std::get_if<smtp::BodyPart>(&*event)) {
        message_.content.append(part->bytes);
      } else {
        co_await on_event(std::move(*event));
      }
    }
    const std::string output = protocol_.take_output();
    if (!output.empty()) co_await stream_.write(output);
    if (protocol_.awaits_tls()) {
      co_await start_tls();
      protocol_.tls_started(capabilities());
      continue;
    }
    if (protocol_.closing()) co_return;
    if (!output.empty()) continue;
    stream_.set_deadline(net::after(patience));
    const std::size_t count = co_await stream_.read_some(buffer_);
    if (count == 0) co_return;
    protocol_.receive(std::string_view(buffer_.data(), count));
  }
}

asio::awaitable<void> Performance::start_tls() {
  co_await stream_.handshake(*sink_.settings().tls);
  message_.tls = stream_.tls().protocol + " " + stream_.tls().cipher;
}

asio::awaitable<void> Performance::on_event(smtp::Event event) {
  if (auto* hello = std::get_if<smtp::Hello>(&event)) {
    message_.helo = hello->name;
    const Reply reply =
        co_await played(sink_.settings().script.at(Stage::hello), Reply(250, "", ""));
    protocol_.answer(reply);
  } else if (auto* mail = std::get_if<smtp::MailFrom>(&event)) {
    const Reply reply = co_await on_mail(*mail);
    protocol_.answer(reply);
  } else if (auto* rcpt = std::get_if<smtp::RcptTo>(&event)) {
    const Reply reply = co_await on_rcpt(*rcpt);
    protocol_.answer(reply);
  } else if (std::holds_alternative<smtp::DataStart>(event)) {
    const Reply reply = co_await on_data();
    protocol_.answer(reply);
  } else if (const auto* end = std::get_if<smtp::BodyEnd>(&event)) {
    const Reply reply = co_await on_body_end(*end);
    protocol_.answer(reply);
  } else if (const auto* auth = std::get_if<smtp::Auth>(&event)) {
    Reply usual = on_auth(*auth);
    const Reply reply = co_await played(sink_.settings().script.at(Stage::auth), std::move(usual));
    protocol_.answer(reply);
  } else if (std::holds_alternative<smtp::StartTls>(event)) {
    protocol_.answer(Reply(220, "2.0.0", "ready to start TLS"));
  }
}

asio::awaitable<Reply> Performance::played(std::optional<Act> act, Reply usual) {
  if (!act) co_return usual;
  if (act->delay.count() > 0) co_await net::sleep_until(net::after(act->delay));
  if (act->kind == Act::Kind::drop) throw Dropped();
  co_return act->reply.code == 0 ? usual : act->reply;
}

asio::awaitable<Reply> Performance::on_mail(const smtp::MailFrom& mail) {
  const SinkSettings& settings = sink_.settings();
  message_.sender = mail.sender ? mail.sender->text() : "";
  message_.recipients.clear();
  message_.content.clear();
  local_parts_.clear();
  if (settings.messages_per_connection > 0 && messages_ >= settings.messages_per_connection) {
    co_return Reply(421, "4.3.2", "enough messages on this connection");
  }
  if (settings.login_required && message_.user.empty())
    co_return Reply(530, "5.7.0", "authentication is required");
  co_return co_await played(settings.script.at(Stage::mail), Reply(250, "2.1.0", "ok"));
}

asio::awaitable<Reply> Performance::on_rcpt(const smtp::RcptTo& rcpt) {
  const std::string local(rcpt.recipient.local());
  std::optional<Act> act = sink_.settings().script.at(Stage::rcpt, local);
  if (!act) act = sink_.settings().script.at(Stage::rcpt);
  Reply reply = co_await played(std::move(act), Reply(250, "2.1.5", "ok"));
  if (reply.positive()) {
    message_.recipients.push_back(rcpt.original());
    local_parts_.push_back(local);
  }
  co_return reply;
}

/// The first recipient with a part at this stage plays it for all.
std::optional<Act> Performance::act_at(Stage stage) {
  for (const std::string& local : local_parts_) {
    if (auto act = sink_.settings().script.at(stage, local)) return act;
  }
  return sink_.settings().script.at(stage);
}

asio::awaitable<Reply> Performance::on_data() {
  std::optional<Act> act = act_at(Stage::data);
  co_return co_await played(std::move(act), Reply(354, "", "go ahead"));
}

asio::awaitable<Reply> Performance::on_body_end(const smtp::BodyEnd& end) {
  if (end.problem != smtp::BodyProblem::none) co_return smtp::refusal_of(end.problem);
  std::optional<Act> act = act_at(Stage::dot);
  const bool kept =
      !act || act->kind == Act::Kind::drop || act->reply.code == 0 || act->reply.positive();
  if (kept) {
    sink_.keep(message_);
    ++messages_;
  }
  message_.content.clear();
  co_return co_await played(std::move(act),
                            Reply(250, "2.0.0", "kept as " + std::to_string(sink_.messages())));
}

Reply Performance::on_auth(const smtp::Auth& auth) {
  const SinkSettings& settings = sink_.settings();
  if (auth.user != settings.user || auth.password.reveal() != settings.password.reveal()) {
    return Reply(535, "5.7.8", "authentication failed");
  }
  message_.user = auth.user;
  return Reply(235, "2.7.0", "authenticated");
}

smtp::Capabilities Performance::capabilities() const {
  const SinkSettings& settings = sink_.settings();
  smtp::Capabilities offered;
  offered.hostname = settings.hostname;
  offered.size = settings.size;
  offered.starttls = settings.tls.has_value() && !settings.implicit_tls && !stream_.secure();
  if (!settings.user.empty()) offered.auth = std::vector<std::string>{"PLAIN", "LOGIN"};
  offered.pipelining = settings.pipelining;
  offered.chunking = settings.chunking;
  offered.smtputf8 = settings.smtputf8;
  offered.dsn = true;
  return offered;
}

}  // namespace ecrelay::rehearsal

#include "dispatch/courier.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "net/connect.h"

namespace ecrelay::dispatch {
namespace {

constexpr std::size_t reply_buffer = 4096;
/// Pieces of a body handed to the kernel in one call (IOV_MAX is 1024).
constexpr std::size_t pieces_a_write = 64;
/// One lost SYN is sent again after a second.
constexpr std::chrono::seconds least_time_to_connect{3};

smtp::Transaction transaction_of(const Job& job) {
  smtp::Transaction transaction;
  // What is in the book was a valid address when it was accepted.
  const std::string& sender = job.return_path ? *job.return_path : job.sender;
  if (!sender.empty())
    transaction.sender = mail::parse_address(sender, mail::Utf8::allowed).value();
  for (const Job::Recipient& recipient : job.recipients) {
    transaction.recipients.emplace_back(
        mail::parse_address(recipient.address, mail::Utf8::allowed).value());
  }
  transaction.body = {std::string_view(job.head), std::string_view(*job.body)};
  transaction.eight_bit = job.eight_bit;
  transaction.smtputf8 = job.smtputf8;
  return transaction;
}

}  // namespace

Courier::Courier(std::shared_ptr<Pool> pool, net::Resolver& resolver, std::string hostname)
    : pool_(std::move(pool)),
      upstream_(pool_->settings()),
      resolver_(resolver),
      hostname_(std::move(hostname)),
      buffer_(reply_buffer) {}

asio::awaitable<bool> Courier::open(std::size_t server) {
  const config::ServerAddress& address = pool_->servers[server].address;
  server_host_ = address.host;
  server_text_ = address.text();
  const bool connected = co_await connect(address);
  if (!connected) co_return false;
  protocol_.emplace(hostname_);
  awaited_after_.reset();
  co_return co_await introduce();
}

asio::awaitable<bool> Courier::connect(const config::ServerAddress& address) {
  const auto addresses = co_await resolver_.addresses(address.host);
  if (!addresses) co_return fail_locally(smtp::Stage::connect, addresses.error().detail);
  std::string reasons;
  // Each address gets its part of the time, so that one that swallows packets leaves some for the
  // next.
  const auto share = std::max<std::chrono::steady_clock::duration>(
      upstream_.timeouts.connect / addresses->size(), least_time_to_connect);
  for (const IpAddress& ip : *addresses) {
    const net::Endpoint endpoint(ip, address.port);
    auto connected = co_await net::connect(endpoint, net::after(share));
    if (connected) {
      stream_.emplace(std::move(*connected));
      server_text_ = endpoint.text();
      if (address.host != ip.text()) server_text_ = address.host + ":" + server_text_;
      co_return true;
    }
    reasons += (reasons.empty() ? "" : "; ") + connected.error().detail;
  }
  co_return fail_locally(smtp::Stage::connect, reasons);
}

asio::awaitable<bool> Courier::introduce() {
  try {
    if (upstream_.tls == config::UpstreamTls::implicit) {
      stream_->set_deadline(net::after(upstream_.timeouts.greeting));
      co_await stream_->handshake(*pool_->route->tls, server_host_);
    }
  } catch (const net::IoError& error) {
    if (error.stopped()) throw;
    co_return fail_locally(smtp::Stage::starttls, error.what());
  }
  const smtp::ClientEvent hello = co_await step();
  if (!std::holds_alternative<smtp::Ready>(hello)) co_return fail_by(hello);
  const bool secured = co_await secure();
  if (!secured) co_return false;
  co_return co_await log_in();
}

asio::awaitable<bool> Courier::secure() {
  const config::UpstreamTls mode = upstream_.tls;
  if (mode == config::UpstreamTls::off || mode == config::UpstreamTls::implicit) co_return true;
  const bool optional = mode == config::UpstreamTls::opportunistic;
  if (optional && !protocol_->capabilities().starttls) co_return true;

  protocol_->start_tls();
  smtp::ClientEvent event = co_await step();
  if (std::holds_alternative<smtp::Refused>(event) && optional) co_return true;
  if (!std::holds_alternative<smtp::HandshakeNow>(event)) co_return fail_by(event);
  try {
    stream_->set_deadline(net::after(upstream_.timeouts.command));
    co_await stream_->handshake(*pool_->route->tls, server_host_);
  } catch (const net::IoError& error) {
    if (error.stopped()) throw;
    co_return fail_locally(smtp::Stage::starttls, error.what());
  }
  protocol_->tls_started();
  event = co_await step();
  co_return std::holds_alternative<smtp::Ready>(event) || fail_by(event);
}

asio::awaitable<bool> Courier::log_in() {
  if (!upstream_.auth) co_return true;
  // A password crosses in clear only where the operator turned TLS off.
  if (!stream_->secure() && upstream_.tls != config::UpstreamTls::off) {
    co_return fail_locally(smtp::Stage::auth,
                           "the server offers no TLS, and the password is not sent without it");
  }
  protocol_->log_in(upstream_.auth->user, upstream_.auth->password.value);
  const smtp::ClientEvent event = co_await step();
  co_return std::holds_alternative<smtp::Ready>(event) || fail_by(event);
}

asio::awaitable<std::vector<smtp::RecipientResult>> Courier::deliver(const Job& job,
                                                                     store::Flights& flights) {
  ++transactions_;
  // A stop may not cut a transaction: its outcome would be in doubt.
  stream_->set_stoppable(false);
  protocol_->send(transaction_of(job));
  std::vector<smtp::RecipientResult> results;
  for (bool finished = false; !finished;) {
    smtp::ClientEvent event = co_await step();
    if (std::holds_alternative<smtp::SendBody>(event)) {
      flight_ = flights.begin(flight_of(job));
      co_await write_body();
    } else if (auto* done = std::get_if<smtp::Finished>(&event)) {
      results = std::move(done->results);
      finished = true;
    }
  }
  // A 421 or a lost connection follows as Ended, at once: usable() tells it.
  while (protocol_->next_event()) continue;
  stream_->set_stoppable(true);
  co_return results;
}

asio::awaitable<smtp::ClientEvent> Courier::step() {
  for (;;) {
    if (auto event = protocol_->next_event()) co_return std::move(*event);
    co_await exchange();
  }
}

/// Writes what is to be said, then reads once. A connection that fails becomes the machine's event.
asio::awaitable<void> Courier::exchange() {
  std::string lost;
  try {
    const std::string output = protocol_->take_output();
    // A reply has its time as a whole: a server that drips it gains nothing by each byte.
    const std::size_t heard = protocol_->replies();
    const bool next = !output.empty() || awaited_after_ != heard;
    awaited_after_ = heard;
    if (next) stream_->set_deadline(reply_deadline());
    if (!output.empty()) co_await stream_->write(output);
    const std::size_t count = co_await stream_->read_some(buffer_);
    if (count > 0) {
      protocol_->receive(std::string_view(buffer_.data(), count));
    } else {
      lost = "the server closed the connection";
    }
  } catch (const net::IoError& error) {
    if (error.stopped()) throw;
    lost = error.timed_out() ? "no answer within the time limit" : error.what();
  }
  if (!lost.empty()) protocol_->connection_lost(std::move(lost));
}

asio::awaitable<void> Courier::write_body() {
  awaited_after_.reset();
  std::string lost;
  try {
    stream_->set_deadline(net::after(upstream_.timeouts.block));
    const std::string output = protocol_->take_output();
    if (!output.empty()) co_await stream_->write(output);
    std::array<std::string_view, pieces_a_write> pieces;
    while (const std::size_t count = protocol_->next_pieces(pieces)) {
      stream_->set_deadline(net::after(upstream_.timeouts.block));
      const std::span<const std::string_view> filled(pieces.data(), count);
      co_await stream_->write(filled);
    }
  } catch (const net::IoError& error) {
    lost = error.timed_out() ? "the body could not be written within the time limit" : error.what();
  }
  if (lost.empty()) {
    protocol_->body_written();
  } else {
    protocol_->connection_lost(std::move(lost));
  }
}

net::Deadline Courier::reply_deadline() const {
  const auto stage = protocol_->waiting_for();
  const config::UpstreamTimeouts& limits = upstream_.timeouts;
  if (!stage) return net::after(limits.command);
  switch (*stage) {
    case smtp::Stage::connect:
    case smtp::Stage::greeting:
      return net::after(limits.greeting);
    case smtp::Stage::data:
      return net::after(limits.data);
    case smtp::Stage::dot:
      return net::after(limits.end_of_data);
    case smtp::Stage::quit:
      return net::after(std::chrono::seconds(2));
    default:
      return net::after(limits.command);
  }
}

asio::awaitable<void> Courier::close() {
  if (!stream_) co_return;
  if (usable()) {
    protocol_->quit();
    const std::string output = protocol_->take_output();
    try {
      stream_->set_deadline(net::after(std::chrono::seconds(2)));
      co_await stream_->write(output);
    } catch (const net::IoError&) {
      // Nothing depends on QUIT: what was sent has been answered.
    }
  }
  co_await stream_->close(std::chrono::milliseconds(200));
  stream_.reset();
  protocol_.reset();
  place_.reset();
  counted_.reset();
  transactions_ = 0;
}

std::string Courier::tls() const {
  if (!stream_ || !stream_->secure()) return {};
  return stream_->tls().protocol + " " + stream_->tls().cipher;
}

bool Courier::fail(smtp::Stage stage, smtp::Reply reply, smtp::Origin origin) {
  failure_.result.stage = stage;
  failure_.result.reply = std::move(reply);
  failure_.result.origin = origin;
  failure_.server = server_text_;
  return false;
}

bool Courier::fail_locally(smtp::Stage stage, std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return fail(stage, smtp::Reply(451, "4.4.1", std::move(text)), smtp::Origin::trouble);
}

bool Courier::fail_by(const smtp::ClientEvent& event) {
  if (const auto* refused = std::get_if<smtp::Refused>(&event)) {
    return fail(refused->stage, refused->reply, refused->origin);
  }
  const auto& ended = std::get<smtp::Ended>(event);
  const bool theirs = ended.cause == smtp::Ended::Cause::refused;
  return fail(ended.stage, ended.reply, theirs ? smtp::Origin::peer : smtp::Origin::trouble);
}

}  // namespace ecrelay::dispatch

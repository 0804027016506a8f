#include "intake/session.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "core/escape.h"
#include "intake/logins.h"
#include "log/events.h"

namespace ecrelay::intake {
namespace {

using smtp::Reply;

/// Room for a command line; a body gets more, and an idle connection should hold little.
constexpr std::size_t command_buffer = 2048;
constexpr std::size_t body_buffer = 32 << 10;
/// What a body takes at first: enough for most mails.
constexpr std::size_t memory_step = 64 << 10;
/// So long a body waits for memory; Net::SMTP gives a write a minute.
constexpr std::chrono::seconds memory_patience{45};
/// A minimum rate is asked of a body only after its beginning.
constexpr std::chrono::seconds rate_grace{30};

smtp::Limits limits_of(const config::Limits& limits) {
  smtp::Limits result;
  result.command_line = limits.command_line.bytes;
  result.recipients = limits.recipients;
  result.body_line = limits.line.bytes;
  result.chunks = limits.bdat_chunks;
  result.errors = static_cast<int>(limits.protocol_errors);
  result.failed_logins = static_cast<int>(limits.failed_logins);
  result.idle_commands = static_cast<int>(limits.idle_commands);
  result.unsent_output = limits.unsent_replies.bytes;
  return result;
}

/// What is answered with a reply of its own, and counted.
std::optional<Counters::Verb> verb_of(const smtp::Event& event) {
  using Verb = Counters::Verb;
  if (std::holds_alternative<smtp::Hello>(event)) return Verb::helo;
  if (std::holds_alternative<smtp::MailFrom>(event)) return Verb::mail;
  if (std::holds_alternative<smtp::RcptTo>(event)) return Verb::rcpt;
  if (std::holds_alternative<smtp::DataStart>(event)) return Verb::data;
  if (std::holds_alternative<smtp::BodyEnd>(event)) return Verb::body;
  if (std::holds_alternative<smtp::Auth>(event)) return Verb::auth;
  return std::nullopt;
}

/// A thousand recipients on each of a thousand connections are a gigabyte. The text is there as
/// local part, domain and key.
std::size_t memory_of(const EnvelopeRecipient& recipient) {
  return sizeof recipient + 3 * recipient.key.size();
}

Reply generic_421() { return Reply(421, "4.3.2", "closing the connection, try again"); }

}  // namespace

Session::Session(Reception& reception, std::shared_ptr<const Site> site, net::Stream stream,
                 std::size_t listener, Client client)
    : reception_(reception),
      site_(std::move(site)),
      stream_(std::move(stream)),
      listener_(site_->settings.listeners[listener]),
      tls_(site_->tls[listener]),
      client_(std::move(client)),
      protocol_(capabilities(), limits_of(site_->settings.limits)),
      acceptor_(reception_, *site_),
      buffer_(command_buffer),
      memory_(reception.memory()),
      envelope_memory_(reception.memory()),
      began_(std::chrono::steady_clock::now()),
      command_deadline_(began_ + site_->settings.limits.command_timeout) {}

asio::awaitable<void> Session::run() {
  std::optional<Reply> farewell;
  try {
    co_await greet();
    co_await converse();
  } catch (const net::IoError& error) {
    end_ = error.timed_out() ? "timeout" : error.stopped() ? "shutdown" : "lost";
    if (error.timed_out())
      farewell = Reply(421, "4.4.2", "time limit reached, closing the connection");
    if (error.stopped()) farewell = Reply(421, "4.3.2", "this server is shutting down, try again");
    if (error.trouble() == net::Trouble::tls) log::tls_failed(peer(), error.what());
  } catch (const std::exception& error) {
    end_ = "internal_error";
    farewell = generic_421();
    log::internal_error("session", error.what());
  }
  if (farewell && stream_.is_open() && !protocol_.closing()) {
    protocol_.end(*farewell);
    stream_.set_deadline(net::after(std::chrono::seconds(2)));
    try {
      co_await flush();
    } catch (const net::IoError&) {
      // The peer does not hear our goodbye: there is nobody left to tell.
    }
  }
  co_await stream_.close();
  const auto lasted = std::chrono::steady_clock::now() - began_;
  log::session_ended(peer(), log::SessionSummary{stored_, rejects_, client_.tls, client_.user, end_,
                                                 std::chrono::duration_cast<Duration>(lasted)});
}

asio::awaitable<void> Session::greet() {
  if (listener_.tls == config::ListenerTls::implicit) co_await start_tls();
  protocol_.answer(Reply(220, "", site_->settings.hostname + " ESMTP ecrelay"));
}

asio::awaitable<void> Session::converse() {
  for (;;) {
    while (auto event = protocol_.next_event()) {
      if (const auto* part = std::get_if<smtp::BodyPart>(&*event)) {
        on_body_part(part->bytes);
      } else {
        const auto verb = verb_of(*event);
        const auto began = std::chrono::steady_clock::now();
        co_await on_event(std::move(*event));
        if (verb) reception_.counters().replied(*verb, std::chrono::steady_clock::now() - began);
      }
    }
    // Where the limit of unsent replies stopped the parsing, it goes on once they are sent.
    const bool wrote = co_await flush();
    if (protocol_.awaits_tls()) {
      co_await start_tls();
      protocol_.tls_started(capabilities());
      continue;
    }
    if (protocol_.closing()) co_return;
    if (wrote) continue;
    const bool more = co_await read_more();
    if (!more) co_return;
  }
}

asio::awaitable<bool> Session::flush() {
  const std::string output = protocol_.take_output();
  if (output.empty()) co_return false;
  // A reply ends a command: the next one, and the reading of this reply, have a time of their own.
  command_deadline_ = net::after(site_->settings.limits.command_timeout);
  stream_.set_deadline(command_deadline_);
  co_await stream_.write(output);
  co_return true;
}

asio::awaitable<bool> Session::read_more() {
  note_body(protocol_.reading_body());
  if (reading_body_ && lacks_memory()) co_await claim_memory();
  stream_.set_deadline(next_deadline());
  // A body under way may finish while the server drains; only between commands is a stop heard.
  stream_.set_stoppable(!reading_body_);
  const std::size_t count = co_await stream_.read_some(buffer_);
  if (reading_body_) body_octets_ += count;
  if (count > 0) protocol_.receive(std::string_view(buffer_.data(), count));
  co_return count > 0;
}

/// Octets that are only read to be thrown away count as well: those of a BDAT that was refused,
/// those behind the first fault of a body.
void Session::note_body(bool reading) {
  if (reading == std::exchange(reading_body_, reading)) return;
  body_began_ = std::chrono::steady_clock::now();
  body_octets_ = 0;
  buffer_ = std::vector<char>(reading ? body_buffer : command_buffer);
}

net::Deadline Session::next_deadline() const {
  const config::Limits& limits = site_->settings.limits;
  net::Deadline deadline = began_ + limits.session_timeout;
  if (!reading_body_) return std::min(deadline, command_deadline_);
  deadline = std::min(deadline, body_began_ + limits.message_timeout);
  const std::chrono::seconds earned(body_octets_ /
                                    std::max<std::uint64_t>(limits.minimum_rate.bytes, 1));
  return std::min(deadline, body_began_ + rate_grace + earned);
}

asio::awaitable<void> Session::on_event(smtp::Event event) {
  if (auto* hello = std::get_if<smtp::Hello>(&event)) {
    protocol_.answer(on_hello(std::move(*hello)));
  } else if (auto* mail = std::get_if<smtp::MailFrom>(&event)) {
    protocol_.answer(on_mail(std::move(*mail)));
  } else if (auto* rcpt = std::get_if<smtp::RcptTo>(&event)) {
    protocol_.answer(on_rcpt(std::move(*rcpt)));
  } else if (std::holds_alternative<smtp::DataStart>(event)) {
    // Ruby cannot classify a refusal of DATA itself: what speaks against the message is said at
    // MAIL, at RCPT or after the dot.
    protocol_.answer(Reply(354, "", "end with <CRLF>.<CRLF>"));
  } else if (auto* end = std::get_if<smtp::BodyEnd>(&event)) {
    const Reply reply = co_await on_body_end(*end);
    protocol_.answer(reply);
    forget_transaction();
    note_body(false);
  } else if (auto* auth = std::get_if<smtp::Auth>(&event)) {
    const Reply reply = co_await on_auth(*auth);
    protocol_.answer(reply);
  } else if (std::holds_alternative<smtp::StartTls>(event)) {
    protocol_.answer(Reply(220, "2.0.0", "ready to start TLS"));
  } else if (std::holds_alternative<smtp::Reset>(event)) {
    forget_transaction();
  } else if (std::holds_alternative<smtp::Quit>(event)) {
    end_ = "quit";
  } else if (const auto* close = std::get_if<smtp::Close>(&event)) {
    end_ = close->reason;
  }
}

asio::awaitable<void> Session::start_tls() {
  stream_.set_deadline(net::after(site_->settings.limits.handshake_timeout));
  co_await stream_.handshake(*tls_);
  client_.tls = tls_text();
  forget_transaction();
  command_deadline_ = net::after(site_->settings.limits.command_timeout);
}

Reply Session::on_hello(smtp::Hello hello) {
  forget_transaction();
  client_.helo = std::move(hello.name);
  client_.extended = hello.extended;
  return Reply(250, "", "");
}

asio::awaitable<Reply> Session::on_auth(smtp::Auth& auth) {
  std::string user = auth.user;
  const LoginOutcome outcome = co_await check_login(reception_, *site_, client_.address,
                                                    std::move(auth.user), std::move(auth.password));
  if (outcome.verdict == LoginOutcome::Verdict::ok) {
    client_.login_shop = site_->admission.find_shop(outcome.shop);
    client_.user = std::move(user);
    co_return Reply(235, "2.7.0", "authenticated");
  }
  ++rejects_;
  log::auth_failed(peer(), user, outcome.pause);
  if (outcome.verdict == LoginOutcome::Verdict::wait) {
    co_return Reply(454, "4.7.0", "too many failed logins, try again later");
  }
  co_return Reply(535, "5.7.8", "authentication failed");
}

std::optional<Reply> Session::not_now() const {
  if (reception_.refusing())
    return Reply(421, "4.3.2", "this server cannot take mail now, try again");
  const config::Limits& limits = site_->settings.limits;
  const std::uint64_t needed = limits.disk_reserve.bytes + 2 * limits.message_size.bytes;
  if (reception_.ports().free_bytes() < needed)
    return Reply(452, "4.3.1", "not enough disk space, try again later");
  if (reception_.ports().queued() >= limits.queue)
    return Reply(452, "4.3.1", "the queue is full, try again later");
  if (!reception_.memory().admits_another())
    return Reply(452, "4.3.1", "not enough memory, try again later");
  return std::nullopt;
}

std::optional<Reply> Session::login_or_tls_missing() const {
  const bool tls_demanded = listener_.tls == config::ListenerTls::required;
  if (tls_demanded && client_.tls.empty()) return Reply(530, "5.7.0", "STARTTLS is required first");
  const policy::Host& host = *client_.host;
  if (!host.certificate.empty()) {
    policy::PeerCertificate shown;
    shown.sha256 = stream_.tls().peer_fingerprint;
    shown.names = stream_.tls().peer_names;
    if (!policy::certificate_fits(host, shown.sha256.empty() ? nullptr : &shown)) {
      return Reply(530, "5.7.0", "this host must show its TLS certificate");
    }
  }
  if (host.auth == policy::Auth::required && client_.login_shop == nullptr) {
    return Reply(530, "5.7.0", "authentication is required");
  }
  return std::nullopt;
}

Reply Session::on_mail(smtp::MailFrom mail) {
  forget_transaction();
  if (auto reply = login_or_tls_missing())
    return refuse("mail", std::move(*reply), "login or TLS is missing");
  if (auto reply = not_now())
    return refuse("mail", std::move(*reply), "no room for another message");

  Envelope envelope;
  envelope.sender = std::move(mail.sender);
  envelope.eight_bit = mail.body == smtp::BodyType::eight_bit_mime;
  envelope.smtputf8 = mail.smtputf8;
  std::optional<std::string_view> domain;
  if (envelope.sender) domain = envelope.sender->domain();
  const policy::Decision decision =
      site_->admission.admit_sender(*client_.host, client_.login_shop, domain);
  envelope_ = std::move(envelope);
  if (!decision.admitted()) {
    const Reply reply =
        decision.refusal == policy::Refusal::login_required
            ? Reply(530, "5.7.0", "authentication is required")
            : Reply(550, "5.7.1", "this host may not send mail from that sender's domain");
    const Reply told = refuse("mail", reply, decision.reason);
    forget_transaction();
    return told;
  }
  envelope_->shop = decision.shop;
  if (decision.shop != nullptr) {
    if (reception_.site()->admission.find_shop(decision.shop->id) == nullptr) {
      const Reply told = refuse("mail", generic_421(), "the shop is gone since the session began");
      forget_transaction();
      return told;
    }
    const TimePoint at = now();
    const policy::Allowance allowance = reception_.meter(*decision.shop, at).admit(at);
    if (!allowance.allowed()) {
      const Reply told = refuse("mail", over_limit(allowance), "shop limit");
      forget_transaction();
      return told;
    }
  }
  return Reply(250, "2.1.0", "sender ok");
}

Reply Session::on_rcpt(smtp::RcptTo rcpt) {
  if (!reception_.memory().admits_another()) {
    return refuse("rcpt", Reply(452, "4.3.1", "not enough memory, try again later"),
                  "limits.memory", rcpt.recipient.text());
  }
  EnvelopeRecipient recipient{std::move(rcpt.recipient), {}, {}};
  recipient.key = recipient.address.key();
  // Without a shop (a null sender) only the operator's own list can be asked; the shop's own is
  // asked with "" too, which no shop is called.
  const std::string_view shop =
      envelope_->shop == nullptr ? std::string_view() : std::string_view(envelope_->shop->id);
  auto listing = reception_.ports().suppression.find(shop, recipient.key, now());
  if (!listing) {
    // P8: whoever cannot tell defers.
    return refuse("rcpt", Reply(451, "4.3.0", "temporary trouble here, try again"),
                  listing.error().detail, recipient.address.text());
  }
  if (*listing) {
    const std::string entry = std::to_string((*listing)->entry);
    if (client_.host->on_suppressed == policy::OnSuppressed::reject) {
      return refuse("rcpt", Reply(550, "5.7.1", "the recipient is suppressed (" + entry + ")"),
                    "suppressed: " + (*listing)->reason, recipient.address.text());
    }
    recipient.suppressed = entry;
  }
  envelope_memory_.count(memory_of(recipient));
  envelope_->recipients.push_back(std::move(recipient));
  return Reply(250, "2.1.5", "recipient ok");
}

void Session::on_body_part(std::string_view bytes) {
  if (!out_of_memory_) message_.append(bytes);
}

bool Session::lacks_memory() const {
  return !out_of_memory_ && message_.size() + body_buffer > memory_.held();
}

/// Room for the next piece of a body. While others have the memory the client's own buffers hold
/// the rest, and it sees a slow reader; past its patience it is read to its true end, nothing of it
/// is kept, and the refusal comes after the dot.
asio::awaitable<void> Session::claim_memory() {
  const auto began = std::chrono::steady_clock::now();
  const std::size_t most = site_->settings.limits.message_size.bytes + body_buffer;
  for (bool in_time = true; lacks_memory();) {
    // What doubles is seldom copied.
    const std::size_t least = std::max(message_.size() + body_buffer, memory_step);
    const std::size_t held = memory_.held();
    const MemoryBudget& all = reception_.memory();
    const std::size_t more = held > 0 && all.is_scarce() ? all.reserve() : held;
    const std::size_t wanted = std::max(least, std::min(held + more, most));
    if (memory_.take(wanted - held)) {
      if (wanted > memory_step) message_.reserve(wanted);  // a small mail needs no more than it has
      reception_.memory_freed().notify_one();
    } else if (in_time) {
      in_time = co_await reception_.memory_freed().wait_until(began + memory_patience);
    } else {
      out_of_memory_ = true;
      message_ = std::string();
      memory_.release();
    }
  }
  body_began_ += std::chrono::steady_clock::now() - began;  // this time was not the client's
}

asio::awaitable<Reply> Session::on_body_end(const smtp::BodyEnd& end) {
  if (end.problem != smtp::BodyProblem::none) {
    co_return refuse("body", smtp::refusal_of(end.problem), "the body breaks a rule");
  }
  if (out_of_memory_) {
    co_return refuse("body", Reply(452, "4.3.1", "not enough memory, try again later"),
                     "limits.memory");
  }
  stream_.clear_deadline();
  Reply reply = co_await acceptor_.accept(client_, *envelope_, message_);
  ++(reply.positive() ? stored_ : rejects_);
  co_return reply;
}

void Session::forget_transaction() {
  envelope_.reset();
  message_ = std::string();
  memory_.release();
  envelope_memory_.release();
  out_of_memory_ = false;
}

Reply Session::refuse(std::string_view stage, Reply reply, std::string_view reason,
                      std::string_view recipient) {
  ++rejects_;
  ++reception_.counters().rejections;
  log::Rejection rejection;
  rejection.stage = stage;
  rejection.recipient = recipient;
  rejection.reason = reason;
  if (envelope_ && envelope_->sender) rejection.sender = envelope_->sender->text();
  if (envelope_ && envelope_->shop != nullptr) rejection.shop = envelope_->shop->id;
  log::message_rejected(peer(), rejection, log::Answer{reply.code, reply.enhanced, reply.text});
  return reply;
}

smtp::Capabilities Session::capabilities() const {
  smtp::Capabilities offered;
  offered.hostname = site_->settings.hostname;
  offered.size = site_->settings.limits.message_size.bytes;
  offered.starttls =
      tls_.has_value() && !stream_.secure() && listener_.tls != config::ListenerTls::implicit;
  const bool secure = stream_.secure() || listener_.tls == config::ListenerTls::implicit;
  if (secure && !site_->accounts.empty()) offered.auth = std::vector<std::string>{"PLAIN", "LOGIN"};
  return offered;
}

log::Peer Session::peer() const {
  return log::Peer{client_.session, client_.address, client_.host->name};
}

std::string Session::tls_text() const {
  return stream_.tls().protocol + " " + stream_.tls().cipher;
}

}  // namespace ecrelay::intake

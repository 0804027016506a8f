#include "reports/session.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "core/text.h"
#include "store/reports.h"

namespace ecrelay::reports {
namespace {

using smtp::Reply;

/// What the reader reads of a report; the rest of it is taken and dropped.
constexpr std::size_t kept_of_a_report = 1U << 20;
/// A report gives our message back whole, with words and encoding around it.
constexpr std::uint64_t room_around = 2U << 20;
constexpr std::chrono::seconds command_time{60};
/// Who tries so many addresses that are none of ours is shown out.
constexpr std::uint64_t most_strange_paths = 50;
constexpr std::chrono::minutes session_time{10};

struct Read {
  mail::ReportKind kind;
  Finding finding;
};

smtp::Limits limits() {
  smtp::Limits result;
  result.recipients = 1;  // a return path is one recipient's
  result.body_line = kept_of_a_report;
  return result;
}

}  // namespace

Session::Session(Server& server, net::Stream stream, std::string name)
    : server_(server),
      terms_(server.terms()),
      stream_(std::move(stream)),
      name_(std::move(name)),
      protocol_(capabilities(), limits()),
      buffer_(smtp::ServerProtocol::max_read),
      began_(std::chrono::steady_clock::now()),
      command_began_(began_) {}

asio::awaitable<void> Session::run() {
  std::optional<Reply> farewell;
  try {
    protocol_.answer(Reply(220, "", terms_->settings->hostname + " ESMTP ecrelay reports"));
    co_await converse();
  } catch (const net::IoError& error) {
    end_ = error.timed_out() ? "timeout" : error.stopped() ? "shutdown" : "lost";
    if (error.stopped()) farewell = Reply(421, "4.3.2", "this server is shutting down, try again");
    if (error.trouble() == net::Trouble::tls) log::tls_failed(peer(), error.what());
  } catch (const std::exception& error) {
    end_ = "internal_error";
    log::internal_error("reports", error.what());
  }
  if (farewell && stream_.is_open() && !protocol_.closing()) {
    protocol_.end(*farewell);
    stream_.set_deadline(net::after(std::chrono::seconds(2)));
    const std::string output = protocol_.take_output();
    try {
      co_await stream_.write(output);
    } catch (const net::IoError&) {
      // The peer does not hear our goodbye: there is nobody left to tell.
    }
  }
  co_await stream_.close();
  const auto lasted = std::chrono::steady_clock::now() - began_;
  log::session_ended(peer(), log::SessionSummary{kept_,
                                                 rejects_,
                                                 stream_.tls().protocol,
                                                 {},
                                                 end_,
                                                 std::chrono::duration_cast<Duration>(lasted)});
}

asio::awaitable<void> Session::converse() {
  for (;;) {
    while (auto event = protocol_.next_event()) {
      if (const auto* part = std::get_if<smtp::BodyPart>(&*event)) {
        on_body_part(part->bytes);
      } else {
        co_await on_event(std::move(*event));
      }
    }
    const std::string output = protocol_.take_output();
    stream_.set_deadline(next_deadline());
    if (!output.empty()) co_await stream_.write(output);
    if (protocol_.awaits_tls()) {
      co_await stream_.handshake(*terms_->tls);
      protocol_.tls_started(capabilities());
      continue;
    }
    if (protocol_.closing()) co_return;
    if (!output.empty()) continue;
    const std::size_t count = co_await stream_.read_some(buffer_);
    if (count == 0) co_return;
    protocol_.receive(std::string_view(buffer_.data(), count));
  }
}

net::Deadline Session::next_deadline() const {
  const net::Deadline end = began_ + session_time;
  if (protocol_.reading_body()) return end;
  const std::chrono::steady_clock::duration given = terms_->settings->limits.command_timeout;
  return std::min(end, command_began_ + std::min(given, decltype(given)(command_time)));
}

asio::awaitable<void> Session::on_event(smtp::Event event) {
  if (std::holds_alternative<smtp::Hello>(event)) {
    forget_transaction();
    protocol_.answer(Reply(250, "", ""));
  } else if (auto* mail = std::get_if<smtp::MailFrom>(&event)) {
    protocol_.answer(on_mail(std::move(*mail)));
  } else if (const auto* rcpt = std::get_if<smtp::RcptTo>(&event)) {
    protocol_.answer(on_rcpt(*rcpt));
  } else if (std::holds_alternative<smtp::DataStart>(event)) {
    protocol_.answer(Reply(354, "", "end with <CRLF>.<CRLF>"));
  } else if (const auto* end = std::get_if<smtp::BodyEnd>(&event)) {
    const Reply reply = co_await on_body_end(*end);
    protocol_.answer(reply);
    forget_transaction();
  } else if (std::holds_alternative<smtp::StartTls>(event)) {
    protocol_.answer(Reply(220, "2.0.0", "ready to start TLS"));
  } else if (std::holds_alternative<smtp::Auth>(event)) {
    protocol_.answer(Reply(535, "5.7.8", "there is nothing to log in to"));
  } else if (std::holds_alternative<smtp::Reset>(event)) {
    forget_transaction();
  } else if (std::holds_alternative<smtp::Quit>(event)) {
    end_ = "quit";
  } else if (const auto* close = std::get_if<smtp::Close>(&event)) {
    end_ = close->reason;
  }
  command_began_ = std::chrono::steady_clock::now();
}

Reply Session::on_mail(smtp::MailFrom mail) {
  forget_transaction();
  if (mail.sender) sender_ = mail.sender->text();
  return Reply(250, "2.1.0", "sender ok");
}

Reply Session::on_rcpt(const smtp::RcptTo& rcpt) {
  recipient_ = rcpt.recipient.text();
  const auto path =
      terms_->return_paths->read(rcpt.recipient.local(), rcpt.recipient.domain(), now());
  if (!path) {
    const bool too_many = ++strange_paths_ > most_strange_paths;
    const Reply reply = too_many ? Reply(421, "4.7.0", "too many errors")
                                 : Reply(550, "5.1.1", "no such return path");
    return refuse(TurnedAway::return_path, reply, path.error().detail);
  }
  try {
    auto addressee = server_.ports().inquiry.addressee(path->message, path->recipient);
    if (!addressee) {
      return refuse(TurnedAway::return_path, Reply(550, "5.1.1", "no such return path"),
                    "the book has no such recipient");
    }
    if (!server_.admits_another(stream_.remote().address, now())) {
      return refuse(TurnedAway::rate,
                    Reply(451, "4.7.1", "too many reports at once, try again later"), "rate");
    }
    subject_ = Subject{*path, std::move(*addressee)};
  } catch (const store::Failure& failure) {
    return refuse(TurnedAway::trouble, Reply(451, "4.3.0", "temporary trouble here, try again"),
                  failure.what());
  }
  return Reply(250, "2.1.5", "recipient ok");
}

void Session::on_body_part(std::string_view bytes) {
  report_ += bytes.substr(0, kept_of_a_report - report_.size());
}

asio::awaitable<Reply> Session::on_body_end(const smtp::BodyEnd& end) {
  if (end.problem != smtp::BodyProblem::none) {
    co_return refuse(TurnedAway::body, smtp::refusal_of(end.problem), "the body breaks a rule");
  }
  stream_.clear_deadline();
  // Read and judged there: a report may name a hundred recipients with a page about each.
  auto reading = server_.ports().workers.run([this, at = now()] {
    const mail::Report report = mail::read_report(report_);
    return Read{report.kind, finding_of(report, *subject_, at, terms_->rules)};
  });
  Read read = co_await std::move(reading);
  // Feedback loops send complaints from an address of theirs; everything else that bounces is
  // sent from the null sender (RFC 5321 4.5.5), and what is not may be anybody's.
  if (!sender_.empty() && read.kind != mail::ReportKind::arf) {
    co_return refuse(TurnedAway::sender,
                     Reply(550, "5.7.1", "only reports are taken here, from <>"),
                     "not the null sender, and no complaint");
  }
  co_return co_await keep(std::move(read.finding));
}

/// What the sender gets of it; why not, where he wants it, is told.
std::optional<store::Acceptance> Session::carried_on(TimePoint at) {
  auto mail = server_.onward().mail(*terms_, *subject_, report_, at);
  if (mail) return std::move(*mail);
  log::report_kept_back(subject_->path.message, subject_->addressee.shop,
                        subject_->addressee.sender, mail.error().detail);
  return std::nullopt;
}

/// Our own look at the domain, where the report gives reason for one.
asio::awaitable<std::optional<bool>> Session::domain_dead(const records::Sign& sign) {
  const bool doubtful =
      sign.entry.reason == "domain" || sign.weight == records::Weight::delivery_point;
  if (!doubtful) co_return std::nullopt;
  std::string domain(store::domain_of(sign.entry.key));
  const std::shared_ptr<DomainLooks> looks = server_.domain_looks();
  const DomainLook look = co_await looks->look(std::move(domain));
  if (look == DomainLook::unknown) co_return std::nullopt;
  co_return look == DomainLook::dead;
}

asio::awaitable<Reply> Session::keep(Finding finding) {
  store::Returned returned;
  returned.report = finding.report;
  returned.sign = std::move(finding.sign);
  returned.onward = carried_on(finding.report.at);
  if (returned.sign) returned.domain_dead = co_await domain_dead(*returned.sign);
  std::optional<records::Message> onward;
  if (returned.onward) onward = returned.onward->message;
  net::Answer<Result<store::Kept>> answer(server_.ports().executor);
  server_.ports().writer.keep(std::move(returned), answer.done());
  const Result<store::Kept> kept = co_await answer.result();
  if (!kept) {
    if (kept.error().code == ErrorCode::refused) {
      co_return refuse(TurnedAway::return_path, Reply(550, "5.1.1", "no such return path"),
                       kept.error().detail);
    }
    co_return refuse(TurnedAway::trouble, Reply(451, "4.3.0", "not stored, try again"),
                     kept.error().detail);
  }
  ++kept_;
  ++server_.counters().reports;
  tell(finding.report, *kept);
  if (kept->news && onward) {
    ++server_.counters().forwarded;
    log::report_queued(finding.report.message, onward->id, onward->shop,
                       subject_->addressee.sender);
    server_.ports().on_onward(*onward);
  }
  co_return Reply(250, "2.0.0", "report taken");
}

void Session::tell(const records::Report& row, const store::Kept& kept) const {
  log::ReportSummary summary;
  summary.id = row.message;
  summary.rcpt = row.recipient + 1;
  summary.shop = subject_->addressee.shop;
  summary.recipient = subject_->addressee.address;
  summary.action = row.action.empty() ? row.kind : row.action;
  const std::string_view decision = row.decision;
  summary.decision = kept.weighed.parked ? "parked" : decision;
  const log::Answer said{static_cast<int>(text::number(row.reply).value_or(0)), row.status,
                         row.text};
  log::report_read(summary, said, kept.news ? row.reason : "repeated");
  server_.ports().on_weighed(kept.weighed);
}

void Session::forget_transaction() {
  sender_.clear();
  recipient_.clear();
  subject_.reset();
  report_ = std::string();
}

Reply Session::refuse(TurnedAway why, Reply reply, std::string_view reason) {
  ++rejects_;
  ++server_.counters().of(why);
  log::Rejection rejection;
  rejection.stage = subject_ ? "body" : "rcpt";
  rejection.sender = sender_;
  rejection.recipient = recipient_;
  rejection.reason = reason;
  if (subject_) rejection.shop = subject_->addressee.shop;
  log::message_rejected(peer(), rejection, log::Answer{reply.code, reply.enhanced, reply.text});
  return reply;
}

smtp::Capabilities Session::capabilities() const {
  smtp::Capabilities offered;
  offered.hostname = terms_->settings->hostname;
  offered.size = terms_->settings->limits.message_size.bytes + room_around;
  offered.starttls = terms_->tls.has_value() && !stream_.secure();
  return offered;
}

log::Peer Session::peer() const { return log::Peer{name_, stream_.remote().address, "reports"}; }

}  // namespace ecrelay::reports

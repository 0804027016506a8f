#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/events.h"
#include "net/stream.h"
#include "reports/finding.h"
#include "reports/server.h"
#include "smtp/server_protocol.h"
#include "store/reports.h"

namespace ecrelay::reports {

/// One connection that brings reports: reads, decides, answers. Network thread.
class Session {
 public:
  Session(Server& server, net::Stream stream, std::string name);

  asio::awaitable<void> run();

 private:
  asio::awaitable<void> converse();
  asio::awaitable<void> on_event(smtp::Event event);
  asio::awaitable<smtp::Reply> on_body_end(const smtp::BodyEnd& end);
  asio::awaitable<smtp::Reply> keep(Finding finding);
  std::optional<store::Acceptance> carried_on(TimePoint at);
  asio::awaitable<std::optional<bool>> domain_dead(const records::Sign& sign);

  smtp::Reply on_mail(smtp::MailFrom mail);
  smtp::Reply on_rcpt(const smtp::RcptTo& rcpt);
  void on_body_part(std::string_view bytes);
  void forget_transaction();
  smtp::Reply refuse(TurnedAway why, smtp::Reply reply, std::string_view reason);
  void tell(const records::Report& row, const store::Kept& kept) const;
  smtp::Capabilities capabilities() const;
  net::Deadline next_deadline() const;
  log::Peer peer() const;

  Server& server_;
  std::shared_ptr<const Terms> terms_;
  net::Stream stream_;
  std::string name_;
  smtp::ServerProtocol protocol_;
  std::vector<char> buffer_;

  std::string sender_;  ///< "" is the null sender
  std::string recipient_;
  std::optional<Subject> subject_;
  std::string report_;

  net::Deadline began_;
  net::Deadline command_began_;
  std::uint64_t kept_ = 0;
  std::uint64_t rejects_ = 0;
  std::uint64_t strange_paths_ = 0;  ///< addresses that were none of ours
  std::string end_ = "lost";
};

}  // namespace ecrelay::reports

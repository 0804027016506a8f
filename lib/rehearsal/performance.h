#pragma once

#include <string>
#include <vector>

#include "net/stream.h"
#include "rehearsal/sink.h"

namespace ecrelay::rehearsal {

/// One connection to the sink, played by the script.
class Performance {
 public:
  Performance(Sink& sink, net::Stream stream);

  asio::awaitable<void> run();

 private:
  /// The connection ends without a word.
  struct Dropped {};

  asio::awaitable<void> converse();
  asio::awaitable<void> start_tls();
  asio::awaitable<void> on_event(smtp::Event event);
  asio::awaitable<smtp::Reply> played(std::optional<Act> act, smtp::Reply usual);
  asio::awaitable<smtp::Reply> on_mail(const smtp::MailFrom& mail);
  asio::awaitable<smtp::Reply> on_rcpt(const smtp::RcptTo& rcpt);
  asio::awaitable<smtp::Reply> on_data();
  asio::awaitable<smtp::Reply> on_body_end(const smtp::BodyEnd& end);
  smtp::Reply on_auth(const smtp::Auth& auth);
  std::optional<Act> act_at(smtp::Stage stage);
  smtp::Capabilities capabilities() const;

  Sink& sink_;
  net::Stream stream_;
  smtp::ServerProtocol protocol_;
  std::vector<char> buffer_;
  Received message_;
  std::vector<std::string> local_parts_;  ///< of the recipients accepted
  std::uint32_t messages_ = 0;
};

}  // namespace ecrelay::rehearsal

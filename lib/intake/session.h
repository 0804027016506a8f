#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "intake/acceptor.h"
#include "intake/envelope.h"
#include "intake/reception.h"
#include "log/events.h"
#include "net/stream.h"
#include "smtp/server_protocol.h"

namespace ecrelay::intake {

/// One SMTP connection of an authorized host: reads, decides, answers. The coroutine that runs it
/// owns it. Network thread.
class Session {
 public:
  /// `listener` is the index of the listener in the site's settings.
  Session(Reception& reception, std::shared_ptr<const Site> site, net::Stream stream,
          std::size_t listener, Client client);

  /// From the banner to the end. Throws nothing but what no fence could name.
  asio::awaitable<void> run();

 private:
  asio::awaitable<void> greet();
  asio::awaitable<void> converse();
  asio::awaitable<bool> flush();
  asio::awaitable<bool> read_more();
  asio::awaitable<void> on_event(smtp::Event event);
  asio::awaitable<void> start_tls();
  asio::awaitable<smtp::Reply> on_auth(smtp::Auth& auth);
  asio::awaitable<smtp::Reply> on_body_end(const smtp::BodyEnd& end);

  smtp::Reply on_hello(smtp::Hello hello);
  smtp::Reply on_mail(smtp::MailFrom mail);
  smtp::Reply on_rcpt(smtp::RcptTo rcpt);
  void note_body(bool reading);
  void on_body_part(std::string_view bytes);
  bool lacks_memory() const;
  asio::awaitable<void> claim_memory();
  void forget_transaction();

  std::optional<smtp::Reply> not_now() const;
  std::optional<smtp::Reply> login_or_tls_missing() const;
  smtp::Reply refuse(std::string_view stage, smtp::Reply reply, std::string_view reason,
                     std::string_view recipient = {});
  smtp::Capabilities capabilities() const;
  net::Deadline next_deadline() const;
  log::Peer peer() const;
  std::string tls_text() const;

  Reception& reception_;
  std::shared_ptr<const Site> site_;
  net::Stream stream_;
  const config::Listener& listener_;
  std::optional<net::TlsServer> tls_;
  Client client_;
  smtp::ServerProtocol protocol_;
  Acceptor acceptor_;
  std::vector<char> buffer_;

  std::optional<Envelope> envelope_;
  std::string message_;
  MemoryBudget::Share memory_;           ///< of the body
  MemoryBudget::Share envelope_memory_;  ///< of the recipients
  bool out_of_memory_ = false;

  net::Deadline began_;
  net::Deadline command_deadline_;  ///< for the whole of a command, not for each byte of it
  bool reading_body_ = false;
  net::Deadline body_began_;
  std::uint64_t body_octets_ = 0;  ///< received since then
  std::uint64_t stored_ = 0;
  std::uint64_t rejects_ = 0;
  std::string end_ = "lost";
};

}  // namespace ecrelay::intake

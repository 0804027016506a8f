#pragma once

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "smtp/client_protocol.h"

namespace ecrelay::smtp {

inline mail::Address address(std::string_view text) {
  return *mail::parse_address(text, mail::Utf8::allowed);
}

inline Transaction message(std::initializer_list<const char*> recipients) {
  Transaction transaction;
  transaction.sender = address("a@shop.example");
  for (const char* recipient : recipients) transaction.recipients.emplace_back(address(recipient));
  transaction.body = {"Subject: x\r\n\r\n", ".dot\r\n"};
  return transaction;
}

/// A driver that plays the upstream by hand: what was said, and the events it led to.
struct Driver {
  std::string said() { return client.take_output(); }

  /// The upstream says `bytes`, in pieces of `step`; what the client says to it.
  std::string hear(std::string_view bytes, std::size_t step = 1000) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
      client.receive(bytes.substr(0, step));
    }
    while (auto event = client.next_event()) on(*event);
    return said();
  }

  void on(ClientEvent& event) {
    if (std::holds_alternative<Ready>(event)) events += "ready ";
    if (std::holds_alternative<HandshakeNow>(event)) events += "handshake ";
    if (std::holds_alternative<SendBody>(event)) events += "body ";
    if (auto* no = std::get_if<Refused>(&event)) {
      refused = *no;
      events += "refused ";
    }
    if (auto* finished = std::get_if<Finished>(&event)) {
      results = finished->results;
      events += "finished ";
    }
    if (auto* over = std::get_if<Ended>(&event)) {
      ended = *over;
      events += "ended ";
    }
  }

  std::string take_events() { return std::exchange(events, {}); }

  /// Brings the client to where it is idle; `extensions` are separated by line feeds.
  void greet(const std::string& extensions) {
    hear("220 mx\r\n");
    hear(Reply(250, "", "mx.test\n" + extensions).wire());
    take_events();
  }

  void send(Transaction transaction) {
    client.send(std::move(transaction));
    while (auto event = client.next_event()) on(*event);
  }

  std::string write_body() {
    std::string written;
    std::array<std::string_view, 2> pieces;
    while (const std::size_t count = client.next_pieces(pieces)) {
      for (std::size_t i = 0; i < count; ++i) written += pieces[i];
    }
    client.body_written();
    return written;
  }

  ClientProtocol client{"relay.test"};
  std::string events;
  Refused refused;
  std::vector<RecipientResult> results;
  Ended ended;
};

}  // namespace ecrelay::smtp

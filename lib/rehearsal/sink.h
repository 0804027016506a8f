#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>

#include "core/secret.h"
#include "net/listener.h"
#include "net/task_group.h"
#include "net/tls.h"
#include "rehearsal/script.h"
#include "smtp/server_protocol.h"

namespace ecrelay::rehearsal {

/// What a rehearsal upstream offers and where it keeps what it gets.
struct SinkSettings {
  std::string hostname = "sink.localhost";
  std::filesystem::path folder;       ///< empty: messages are counted, not kept
  std::optional<net::TlsServer> tls;  ///< STARTTLS is offered when there is one
  bool implicit_tls = false;
  std::string user;  ///< AUTH is offered (in clear too) when there is one
  Secret password;
  bool login_required = false;
  bool pipelining = true;
  bool chunking = true;
  bool smtputf8 = true;
  std::uint64_t size = 100U << 20;
  std::uint32_t messages_per_connection = 0;  ///< then 421; 0: no limit
  Script script;
};

/// One message as it came.
struct Received {
  std::string client;
  std::string helo;
  std::string tls;   ///< "TLSv1.3 …", empty in clear
  std::string user;  ///< of AUTH
  std::string sender;
  std::vector<std::string> recipients;
  std::string content;
};

/// An upstream for rehearsals and tests: accepts everything the script does not refuse, keeps each
/// message as FOLDER/N.eml (bytes as received) with a line in FOLDER/messages.jsonl:
/// {"file","time","client","helo","tls","user","sender","recipients","size"}. What it keeps is
/// written, not synced. One thread.
class Sink {
 public:
  /// Throws std::runtime_error when the folder cannot be made.
  Sink(asio::any_io_executor executor, SinkSettings settings);

  /// Accepts on `at` until stop().
  Result<net::Endpoint> listen(net::Endpoint at);
  asio::awaitable<void> stop(net::Deadline deadline);
  std::uint64_t messages() const { return messages_; }

  SinkSettings& settings() { return settings_; }
  void keep(const Received& message);

 private:
  asio::any_io_executor executor_;
  SinkSettings settings_;
  std::ofstream index_;
  std::uint64_t messages_ = 0;
  std::deque<net::Listener> listeners_;
  net::TaskGroup tasks_;
};

}  // namespace ecrelay::rehearsal

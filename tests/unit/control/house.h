#pragma once

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "config/settings.h"
#include "control/server.h"
#include "control/wire.h"
#include "store/store.h"

/// What the tests of control share: a state folder, a configuration file, a real book, and the
/// control server on a thread of its own. Only mail comes and goes by hand.
namespace ecrelay::control {

class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// What the server told the rest of the daemon. Read after stop().
struct Told {
  std::vector<store::QueueFilter> retried;
  std::vector<Ulid> withheld;
  std::vector<Ulid> given_back;
  std::vector<Ulid> released;
  std::int64_t queued_by = 0;
  std::vector<std::string> changed_keys;
  std::vector<std::string> tests;
  int reloads = 0;
};

class House {
 public:
  House();
  ~House();

  std::filesystem::path folder() const { return folder_.path(); }
  std::string config_file() const { return (folder_.path() / "ecrelay.yaml").string(); }
  std::string socket() const { return (folder_.path() / "control.sock").string(); }
  std::string book() const { return store_->book(); }
  std::uint16_t http_port() const { return http_port_; }

  void stop();  ///< the server, as the daemon would; the store stays
  void close_store() { store_.reset(); }

  /// A message of shop-a with one recipient, and the fate of that recipient.
  Ulid accept(const std::string& recipient, const std::string& subject = "ご注文の確認");
  void deliver(const Ulid& id, records::State state, const std::string& reply);

  /// Through the socket.
  Reply ask(const std::string& command, boost::json::object arguments = {}) const;
  /// As when the daemon is down.
  Reply ask_files(const std::string& command, boost::json::object arguments = {}) const;

  Status status() const;  ///< what the port answers
  void set_status(const Status& status);
  Result<Reloaded> reload_answer() const;
  void set_reload_answer(const Result<Reloaded>& answer);

  Told told;
  std::set<Ulid> in_delivery;  ///< set before anything is asked

 private:
  void serve();

  mutable std::mutex mutex_;  ///< over the two below: set by the test, read by the server
  Status status_;
  Result<Reloaded> reload_answer_ = Reloaded{};

  TemporaryFolder folder_;
  std::shared_ptr<const config::Settings> settings_;
  std::unique_ptr<store::Store> store_;
  std::uint16_t http_port_ = 0;
  boost::asio::io_context context_;
  std::optional<net::TaskGroup> tasks_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

/// One argument of a request.
struct Given {
  Given(std::string_view key, const std::string& text)
      : name(key), value(boost::json::string(text)) {}
  Given(std::string_view key, const char* text) : name(key), value(boost::json::string(text)) {}
  Given(std::string_view key, bool truth) : name(key), value(truth) {}

  std::string_view name;
  boost::json::value value;
};
boost::json::object arguments(std::initializer_list<Given> given);

/// The result; fails the test and gives an empty object when it is a fault.
boost::json::object result_of(const Reply& reply);
/// The fault; fails the test when it is a result.
Fault fault_of(const Reply& reply);

/// A plain blocking connection that says what it is told.
class Line {
 public:
  static Line local(const std::string& path);
  static Line tcp(std::uint16_t port);
  Line(Line&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  ~Line();

  void say(std::string_view bytes) const;
  std::string read_line() const;  ///< with its LF, or what came before the end
  std::string read_all() const;

 private:
  explicit Line(int socket) : socket_(socket) {}
  int socket_;
};

}  // namespace ecrelay::control

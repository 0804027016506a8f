#pragma once

#include <ares.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <vector>

#include "net/awaitable.h"
#include "net/endpoint.h"

/// Private to the module.
namespace ecrelay::net {

/// A channel of c-ares that lives on the network thread: its sockets and times are watched with
/// Asio. Lives in a shared_ptr; pending questions end with its destruction.
class CaresChannel : public std::enable_shared_from_this<CaresChannel> {
 public:
  struct Options {
    int flags = 0;
    std::vector<Endpoint> servers;  ///< empty: /etc/resolv.conf
    std::chrono::milliseconds timeout{2000};
    int tries = 3;
    bool hosts_file = false;
  };

  /// Throws std::runtime_error when c-ares cannot start.
  CaresChannel(asio::any_io_executor executor, const Options& options);
  ~CaresChannel();
  CaresChannel(const CaresChannel&) = delete;
  CaresChannel& operator=(const CaresChannel&) = delete;

  ares_channel handle() const { return channel_; }
  const asio::any_io_executor& executor() const { return executor_; }
  /// The servers that are asked, in order.
  std::vector<Endpoint> servers() const;
  /// To be called after each question that was handed to c-ares.
  void watch_time();

 private:
  struct Interest {
    bool wanted = false;   // by c-ares
    bool waiting = false;  // an async_wait is under way
  };
  /// A socket of c-ares as asio watches it; c-ares opens and closes it.
  struct Watched {
    Watched(const asio::any_io_executor& executor, int fd) : handle(executor, fd) {}
    asio::posix::stream_descriptor handle;
    Interest reading;
    Interest writing;
  };
  using Direction = Interest Watched::*;

  void watch(int fd, bool reads, bool writes);
  void wait(int fd, const std::shared_ptr<Watched>& watched, Direction direction);
  bool watches(int fd, const std::shared_ptr<Watched>& watched) const;
  void process(int readable, int writable);

  asio::any_io_executor executor_;
  ares_channel channel_ = nullptr;
  std::map<int, std::shared_ptr<Watched>> sockets_;
  asio::steady_timer timer_;
};

}  // namespace ecrelay::net

#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "net/connect.h"
#include "net/listener.h"
#include "net/stream.h"
#include "net/task_group.h"

namespace ecrelay::net {

/// A network thread for one test. Tasks are captureless lambdas with parameters (STYLE: a coroutine
/// is never a capturing lambda), spawned, then run() until none is left.
class Loop : public ::testing::Test {
 protected:
  void spawn(asio::awaitable<void> task) { tasks.spawn(std::move(task)); }

  /// Runs until no task is left. Half a minute is not a measure, only the end of a hanging test.
  void run() {
    context.restart();
    const Deadline hanging = after(std::chrono::seconds(30));
    while (tasks.size() > 0 && context.run_one_until(hanging) > 0) {
    }
    EXPECT_EQ(tasks.size(), 0U) << "tasks hang";
  }
  asio::any_io_executor executor() { return context.get_executor(); }

  asio::io_context context{1};
  TaskGroup tasks{context.get_executor(), [](const std::exception_ptr& failure) {
                    try {
                      std::rethrow_exception(failure);
                    } catch (const std::exception& error) {
                      ADD_FAILURE() << "escaped from a task: " << error.what();
                    }
                  }};
};

/// Two ends of one loopback TCP connection.
struct TcpPair {
  explicit TcpPair(const asio::any_io_executor& executor) : TcpPair(executor, sockets()) {}
  Stream server;
  Stream client;

 private:
  TcpPair(const asio::any_io_executor& executor, std::pair<int, int> fds)
      : server(executor, fds.first), client(executor, fds.second) {}

  static std::pair<int, int> sockets() {
    const int listening = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    bind(listening, any, size);
    listen(listening, 1);
    getsockname(listening, any, &size);
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connect(client, any, size);
    const int server = accept4(listening, nullptr, nullptr, SOCK_NONBLOCK);
    ::close(listening);
    return {server, client};
  }
};

/// Lets every other task go on until it waits.
inline asio::awaitable<void> let_others_run() {
  const auto executor = co_await asio::this_coro::executor;
  for (int i = 0; i < 100; ++i) co_await asio::post(executor, asio::use_awaitable);
}

inline asio::awaitable<std::string> read_until_end(Stream& stream) {
  std::string text;
  std::string buffer(10'000, '\0');
  for (;;) {
    const std::size_t got = co_await stream.read_some(buffer);
    if (got == 0) co_return text;
    text.append(buffer, 0, got);
  }
}

inline asio::awaitable<std::string> read_exactly(Stream& stream, std::size_t size) {
  std::string text(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const std::size_t got = co_await stream.read_some(std::span(text).subspan(have));
    if (got == 0) break;
    have += got;
  }
  text.resize(have);
  co_return text;
}

/// What kept a read from succeeding.
inline asio::awaitable<Trouble> trouble_reading(Stream& stream) {
  try {
    co_await read_exactly(stream, 1);
  } catch (const IoError& error) {
    co_return error.trouble();
  }
  ADD_FAILURE() << "the read did not fail";
  co_return Trouble::system;
}

inline const Endpoint loopback = *Endpoint::parse("127.0.0.1:0");

}  // namespace ecrelay::net

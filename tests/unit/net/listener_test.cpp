#include "net/listener.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include "unit/net/loop.h"

namespace ecrelay::net {
namespace {

using namespace std::chrono_literals;

class ListenerTest : public Loop {
 protected:
  /// Serves until `count` connections came; each gets its number and is closed.
  void serve(Listener& listener, int count) {
    spawn(listener.serve(
        [this, &listener, count](Stream stream) {
          spawn([](Stream taken, int number) -> asio::awaitable<void> {
            const std::string text = std::to_string(number);
            co_await taken.write(text);
            co_await taken.close(0ms);
          }(std::move(stream), ++accepted));
          if (accepted == count) listener.stop();
        },
        [this](const std::string& reason) { complaints.push_back(reason); }));
  }

  int accepted = 0;
  std::vector<std::string> complaints;
};

asio::awaitable<void> expect_text(Endpoint at, std::string text) {
  auto stream = co_await connect(at, after(20s));
  if (!stream) {
    ADD_FAILURE() << stream.error().detail;
    co_return;
  }
  EXPECT_EQ(co_await read_until_end(*stream), text);
}

TEST_F(ListenerTest, AcceptsOnTheFreePortItFoundUntilStopped) {
  auto listener = Listener::open(executor(), loopback);
  ASSERT_TRUE(listener);
  EXPECT_NE(listener->local().port, 0);
  serve(*listener, 2);
  spawn([](Endpoint at) -> asio::awaitable<void> {
    co_await expect_text(at, "1");
    co_await expect_text(at, "2");
    EXPECT_FALSE(co_await connect(at, after(20s)));
  }(listener->local()));
  run();
  EXPECT_TRUE(complaints.empty());
}

TEST_F(ListenerTest, ServesBothFamiliesOnTheIpv6WildcardAndOneElsewhere) {
  auto any = Listener::open(executor(), *Endpoint::parse("[::]:0"));
  auto one = Listener::open(executor(), *Endpoint::parse("[::1]:0"));
  ASSERT_TRUE(any && one) << "no IPv6 on loopback";
  std::vector<std::string> peers;
  spawn(any->serve(
      [&](Stream stream) {
        peers.push_back(stream.remote().address.text());
        if (peers.size() == 2) any->stop();
      },
      [](const std::string&) {}));
  spawn([](std::uint16_t both, std::uint16_t v6) -> asio::awaitable<void> {
    const IpAddress v4_loopback = *IpAddress::parse("127.0.0.1");
    EXPECT_FALSE(co_await connect(Endpoint(v4_loopback, v6), after(20s)));
    const auto first = co_await connect(Endpoint(v4_loopback, both), after(20s));
    const auto second = co_await connect(Endpoint(*IpAddress::parse("::1"), both), after(20s));
    EXPECT_TRUE(first);
    EXPECT_TRUE(second);
  }(any->local().port, one->local().port));
  run();
  EXPECT_EQ(peers, (std::vector<std::string>{"127.0.0.1", "::1"}));
}

TEST_F(ListenerTest, SaysWhatIsInTheWay) {
  auto first = Listener::open(executor(), loopback);
  ASSERT_TRUE(first);
  const auto second = Listener::open(executor(), first->local());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_EQ(second.error().detail,
            "listen on " + first->local().text() + ": Address already in use");
  const auto foreign = Listener::open(executor(), *Endpoint::parse("192.0.2.1:0"));
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, ErrorCode::unavailable);
}

TEST_F(ListenerTest, TakesOverAnInheritedSocketAndNothingElse) {
  auto origin = Listener::open(executor(), loopback);
  ASSERT_TRUE(origin);
  auto heir = Listener::adopt(executor(), dup(origin->native_handle()));
  ASSERT_TRUE(heir);
  EXPECT_EQ(heir->local(), origin->local());
  origin->stop();
  serve(*heir, 1);
  spawn(expect_text(heir->local(), "1"));
  run();
  const int not_listening = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_FALSE(Listener::adopt(executor(), not_listening));
  ::close(not_listening);
}

TEST_F(ListenerTest, EndsServingWhenItsTaskIsStopped) {
  auto listener = Listener::open(executor(), loopback);
  ASSERT_TRUE(listener);
  serve(*listener, 1);
  context.poll();
  tasks.request_stop();
  run();
}

TEST_F(ListenerTest, ReArmsQuickAckOnWhatItAcceptsUnlessToldNotTo) {
  for (const bool quickack : {true, false}) {
    Listener::Options options;
    options.quickack = quickack;
    auto listener = Listener::open(executor(), loopback, options);
    ASSERT_TRUE(listener);
    int seen = -1;
    spawn(listener->serve(
        [&](Stream stream) {
          spawn([](Stream server, int& result) -> asio::awaitable<void> {
            for (int i = 0; i < 4; ++i) {
              co_await read_exactly(server, 1);
              co_await server.write("x");
            }
            co_await read_exactly(server, 2);
            socklen_t size = sizeof result;
            getsockopt(server.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &result, &size);
          }(std::move(stream), seen));
          listener->stop();
        },
        [](const std::string&) {}));
    spawn([](Endpoint at) -> asio::awaitable<void> {
      auto client = co_await connect(at, after(20s));
      for (int i = 0; i < 4; ++i) {
        co_await client->write("x");
        co_await read_exactly(*client, 1);
      }
      co_await client->write("x");
      co_await let_others_run();
      co_await client->write("y");
      co_await read_until_end(*client);
    }(listener->local()));
    run();
    EXPECT_EQ(seen, quickack ? 1 : 0);
  }
}

/// Takes every descriptor the process may have.
class Hog {
 public:
  Hog() {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit low = before_;
    low.rlim_cur = 256;
    setrlimit(RLIMIT_NOFILE, &low);
    for (int fd = dup(0); fd >= 0; fd = dup(0)) held_.push_back(fd);
  }
  ~Hog() {
    release();
    setrlimit(RLIMIT_NOFILE, &before_);
  }
  Hog(const Hog&) = delete;
  Hog& operator=(const Hog&) = delete;
  void release() {
    for (const int fd : held_) ::close(fd);
    held_.clear();
  }

 private:
  rlimit before_{};
  std::vector<int> held_;
};

// Not for UBSan: it opens a pipe to look at an object's type, and reports the type when it cannot.
#ifndef __SANITIZE_ADDRESS__
TEST_F(ListenerTest, SurvivesRunningOutOfDescriptorsAndSaysSoOnce) {
  auto listener = Listener::open(executor(), loopback);
  ASSERT_TRUE(listener);
  TcpPair spare(executor());  // asio's own descriptors are open before it gets tight
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  serve(*listener, 1);
  context.poll();
  Hog hog;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(listener->local().port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  context.run_for(250ms);  // two pauses at least
  EXPECT_EQ(complaints, std::vector<std::string>{"accept: Too many open files"});
  EXPECT_EQ(accepted, 0);
  hog.release();
  run();
  EXPECT_EQ(accepted, 1);
  ::close(client);
}
#endif

}  // namespace
}  // namespace ecrelay::net

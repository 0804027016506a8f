#include "net/stream.h"

#include <malloc.h>
#include <netinet/tcp.h>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/timer.h"
#include "unit/net/loop.h"

namespace ecrelay::net {
namespace {

using namespace std::chrono_literals;

class StreamTest : public Loop {
 protected:
  TcpPair pair{executor()};
};

int option(const Stream& stream, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  getsockopt(stream.native_handle(), IPPROTO_TCP, name, &value, &size);
  return value;
}

TEST(EndpointText, IsReadBackAndNothingElseIsRead) {
  for (const char* text : {"127.0.0.1:25", "[::1]:65535", "0.0.0.0:0"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->text(), text);
  }
  for (const char* text :
       {"", "127.0.0.1", "::1:25", "[127.0.0.1]:25", "a:25", "127.0.0.1:65536", ":25", "[]:1"}) {
    EXPECT_FALSE(Endpoint::parse(text)) << text;
  }
}

TEST_F(StreamTest, KnowsBothEnds) {
  EXPECT_EQ(pair.server.remote(), pair.client.local());
  EXPECT_EQ(pair.client.remote(), pair.server.local());
  EXPECT_TRUE(pair.client.remote().address.is_loopback());
  EXPECT_EQ(option(pair.server, TCP_NODELAY), 1);
}

TEST_F(StreamTest, CarriesLargeGatheredWritesInOrder) {
  std::string expected;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 3000; ++i)
    texts.push_back(std::string(i * 7 % 1500, static_cast<char>('a' + i % 26)));
  for (const std::string& text : texts) expected += text;
  const std::vector<std::string_view> pieces(texts.begin(), texts.end());
  spawn([](Stream& stream, const std::vector<std::string_view>& all) -> asio::awaitable<void> {
    co_await stream.write(std::span(all));
    co_await stream.write("");
    co_await stream.close();
  }(pair.client, pieces));
  spawn([](Stream& stream, const std::string& text) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await read_until_end(stream) == text);
    stream.abort();
  }(pair.server, expected));
  run();
}

TEST_F(StreamTest, FailsWhenItsDeadlinePassesUntilThereIsAnother) {
  spawn([](Stream& server, Stream& client) -> asio::awaitable<void> {
    server.set_deadline(after(10ms));
    EXPECT_EQ(co_await trouble_reading(server), Trouble::timed_out);
    co_await client.write("late");
    EXPECT_EQ(co_await trouble_reading(server), Trouble::timed_out);
    bool refused = false;
    try {
      co_await server.write("421");
    } catch (const IoError& error) {
      refused = error.timed_out();
    }
    EXPECT_TRUE(refused);
    server.set_deadline(after(20s));
    co_await server.write("421 too slow\r\n");
    EXPECT_EQ(co_await read_exactly(server, 4), "late");
    EXPECT_EQ(co_await read_exactly(client, 14), "421 too slow\r\n");
  }(pair.server, pair.client));
  run();
}

TEST_F(StreamTest, TakesWhatIsThereWhenTheDeadlinePassedWhileTheProcessStoodStill) {
  TcpPair pair(executor());
  spawn([](Stream server) -> asio::awaitable<void> {
    server.set_deadline(after(20ms));
    std::array<char, 8> buffer{};
    const std::size_t count = co_await server.read_some(buffer);
    EXPECT_EQ(std::string_view(buffer.data(), count), "250");
    try {
      co_await server.read_some(buffer);
      ADD_FAILURE() << "the deadline holds for what comes behind it";
    } catch (const IoError& error) {
      EXPECT_TRUE(error.timed_out()) << error.what();
    }
  }(std::move(pair.server)));
  spawn([](Stream client) -> asio::awaitable<void> {
    co_await client.write("250");
    for (const Deadline until = after(40ms); std::chrono::steady_clock::now() < until;) {
    }
  }(std::move(pair.client)));
  run();
}

TEST_F(StreamTest, DoesNotTimeOutOnADeadlineThatWasMovedOnOrTakenAway) {
  spawn([](Stream& server) -> asio::awaitable<void> {
    server.set_deadline(after(10ms));
    server.set_deadline(after(20s));
    EXPECT_EQ(co_await read_exactly(server, 1), "1");
    server.set_deadline(after(10ms));
    server.clear_deadline();
    EXPECT_EQ(co_await read_exactly(server, 1), "2");
  }(pair.server));
  spawn([](Stream& client) -> asio::awaitable<void> {
    co_await sleep_until(after(30ms));
    co_await client.write("1");
    co_await sleep_until(after(30ms));
    co_await client.write("2");
  }(pair.client));
  run();
}

TEST_F(StreamTest, TimesOutEarlierWhenTheDeadlineIsBroughtForwardDuringARead) {
  spawn([](Stream& server) -> asio::awaitable<void> {
    server.set_deadline(after(1h));
    EXPECT_EQ(co_await trouble_reading(server), Trouble::timed_out);
  }(pair.server));
  spawn([](Stream& server) -> asio::awaitable<void> {
    server.set_deadline(after(5ms));
    co_return;
  }(pair.server));
  run();
}

TEST_F(StreamTest, TimesOutAWriteToAPeerWhoDoesNotRead) {
  spawn([](Stream& server) -> asio::awaitable<void> {
    const std::string much(64 << 20, 'x');
    server.set_deadline(after(50ms));
    Trouble trouble = Trouble::system;
    try {
      co_await server.write(much);
    } catch (const IoError& error) {
      trouble = error.trouble();
    }
    EXPECT_EQ(trouble, Trouble::timed_out);
  }(pair.server));
  run();
}

TEST_F(StreamTest, SaysClosedWhenThePeerResets) {
  const linger hard{1, 0};
  setsockopt(pair.client.native_handle(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  pair.client.abort();
  spawn([](Stream& server) -> asio::awaitable<void> {
    EXPECT_EQ(co_await trouble_reading(server), Trouble::closed);
    bool closed = false;
    try {
      for (int i = 0; i < 3; ++i) co_await server.write("x");  // no SIGPIPE either
    } catch (const IoError& error) {
      closed = error.trouble() == Trouble::closed;
    }
    EXPECT_TRUE(closed);
  }(pair.server));
  run();
}

TEST_F(StreamTest, ThatIsAbortedEndsItsPendingRead) {
  spawn([](Stream& server) -> asio::awaitable<void> {
    EXPECT_EQ(co_await trouble_reading(server), Trouble::closed);
  }(pair.server));
  spawn([](Stream& server) -> asio::awaitable<void> {
    server.abort();
    EXPECT_FALSE(server.is_open());
    co_return;
  }(pair.server));
  run();
}

TEST_F(StreamTest, EndsItsReadWhenTheTaskIsStoppedButStillWrites) {
  spawn([](Stream& server) -> asio::awaitable<void> {
    EXPECT_EQ(co_await trouble_reading(server), Trouble::stopped);
    EXPECT_EQ(co_await trouble_reading(server), Trouble::stopped);
    server.set_deadline(after(20s));
    co_await server.write("421 shutting down\r\n");
    co_await server.close(0ms);
  }(pair.server));
  context.poll();
  tasks.request_stop();
  run();
  std::string text(100, '\0');
  const ssize_t got = recv(pair.client.native_handle(), text.data(), text.size(), 0);
  EXPECT_EQ(text.substr(0, static_cast<std::size_t>(std::max<ssize_t>(got, 0))),
            "421 shutting down\r\n");
}

TEST_F(StreamTest, FinishesWhatMustNotBeStopped) {
  spawn([](Stream& server, Stream& client) -> asio::awaitable<void> {
    server.set_stoppable(false);
    EXPECT_EQ(co_await read_exactly(server, 5), "reply");
    EXPECT_TRUE(co_await stop_requested());
    co_await client.write("next");
    server.set_stoppable(true);
    EXPECT_EQ(co_await trouble_reading(server), Trouble::stopped);
  }(pair.server, pair.client));
  context.poll();
  tasks.request_stop();
  context.poll();
  EXPECT_EQ(tasks.size(), 1U);
  ASSERT_EQ(send(pair.client.native_handle(), "reply", 5, 0), 5);
  run();
}

/// A few turns of a dialogue; the kernel leaves quick-ack mode at the first answer.
asio::awaitable<void> talk(Stream& server, Stream& client) {
  for (int i = 0; i < 5; ++i) {
    co_await client.write("line\r\n");
    co_await read_exactly(server, 6);
    co_await server.write("250 ok\r\n");
    co_await read_exactly(client, 8);
  }
}

/// A line in two pieces: between them the server waits for more of what it cannot answer yet.
void say_in_pieces(TaskGroup& tasks, TcpPair& pair) {
  tasks.spawn([](Stream& server) -> asio::awaitable<void> {
    co_await read_exactly(server, 6);
  }(pair.server));
  tasks.spawn([](Stream& client) -> asio::awaitable<void> {
    co_await client.write("li");
    co_await let_others_run();
    co_await client.write("ne\r\n");
  }(pair.client));
}

TEST_F(StreamTest, ReArmsQuickAckWhenItWaitsForMoreOfWhatItHasNotAnswered) {
  for (const bool asked : {false, true}) {
    pair.server.set_quickack(asked);
    spawn(talk(pair.server, pair.client));
    run();
    EXPECT_EQ(option(pair.server, TCP_QUICKACK), 0)
        << "replies take acknowledgements along, and the kernel keeps it off by itself";
    say_in_pieces(tasks, pair);
    run();
    EXPECT_EQ(option(pair.server, TCP_QUICKACK), asked ? 1 : 0);
  }
}

TEST_F(StreamTest, GivesWayToOthersWhileDataKeepsComing) {
  const std::string flood(200'000, 'x');
  int turns = 0;
  bool done = false;
  spawn([](Stream& client, const std::string& text) -> asio::awaitable<void> {
    co_await client.write(text);
    co_await client.close();
  }(pair.client, flood));
  context.poll();
  spawn([](Stream& server, bool& finished) -> asio::awaitable<void> {
    std::array<char, 32> small;
    while (co_await server.read_some(small) > 0) {
    }
    finished = true;
    server.abort();
  }(pair.server, done));
  spawn([](const bool& finished, int& count) -> asio::awaitable<void> {
    const auto executor = co_await asio::this_coro::executor;
    for (; !finished; ++count) co_await asio::post(executor, asio::use_awaitable);
  }(done, turns));
  run();
  EXPECT_GT(turns, 100);
}

TEST_F(StreamTest, ClosesWithoutResettingThePeerWhoseInputWasNotRead) {
  spawn([](Stream& client) -> asio::awaitable<void> {
    const std::string unread(50'000, 'x');
    co_await client.write(unread);
    EXPECT_EQ(co_await read_until_end(client), "554 no\r\n");
    co_await client.write("more that nobody reads");
    client.abort();
  }(pair.client));
  spawn([](Stream& server) -> asio::awaitable<void> {
    co_await read_exactly(server, 1);
    co_await server.write("554 no\r\n");
    co_await server.close(20s);
    EXPECT_FALSE(server.is_open());
  }(pair.server));
  run();
}

TEST_F(StreamTest, DismissesWithWhatCanBeSentAtOnce) {
  pair.server.dismiss("554 no\r\n");
  EXPECT_FALSE(pair.server.is_open());
  pair.server.dismiss("again");
  spawn([](Stream& client) -> asio::awaitable<void> {
    EXPECT_EQ(co_await read_until_end(client), "554 no\r\n");
  }(pair.client));
  run();
}

TEST_F(StreamTest, ClosesAtLastThoughThePeerNeverEnds) {
  spawn([](Stream& server) -> asio::awaitable<void> {
    co_await server.close(10ms);
    EXPECT_FALSE(server.is_open());
  }(pair.server));
  run();
}

TEST_F(StreamTest, IdleCostsLessThan8KiB) {
  constexpr std::size_t count = 200;
  std::vector<std::unique_ptr<TcpPair>> pairs;
  const std::size_t before = mallinfo2().uordblks;
  for (std::size_t i = 0; i < count; ++i) {
    pairs.push_back(std::make_unique<TcpPair>(executor()));
    pairs.back()->server.set_deadline(after(1h));
    spawn([](Stream& server) -> asio::awaitable<void> {
      std::array<char, 512> buffer;
      co_await server.read_some(buffer);
    }(pairs.back()->server));
  }
  context.poll();
  // Sanitizers have their own malloc, which reports nothing here.
  const std::size_t used = mallinfo2().uordblks - before;
  EXPECT_LT(used / count, 8192U);
  RecordProperty("bytes_per_idle_connection_both_ends", std::to_string(used / count));
  for (const auto& each : pairs) each->client.abort();
  run();
}

TEST_F(StreamTest, ConnectsOrSaysWhyNot) {
  auto listener = Listener::open(executor(), loopback);
  ASSERT_TRUE(listener);
  const Endpoint open = listener->local();
  auto gone = Listener::open(executor(), loopback);
  const Endpoint closed = gone->local();
  gone->stop();
  spawn([](Endpoint there, Endpoint nobody) -> asio::awaitable<void> {
    const auto stream = co_await connect(there, after(20s));
    EXPECT_TRUE(stream);
    EXPECT_EQ(stream->remote(), there);
    const auto none = co_await connect(nobody, after(20s));
    EXPECT_FALSE(none);
    EXPECT_EQ(none.error().code, ErrorCode::unavailable);
    EXPECT_EQ(none.error().detail, "connect to " + nobody.text() + ": Connection refused");
  }(open, closed));
  run();
}

TEST_F(StreamTest, GivesUpConnectingAtTheDeadline) {
  // A full queue: the kernel drops further SYNs, so connecting hangs.
  Listener::Options options;
  options.backlog = 0;
  auto listener = Listener::open(executor(), loopback, options);
  ASSERT_TRUE(listener);
  spawn([](Endpoint there) -> asio::awaitable<void> {
    std::vector<Stream> fill;
    std::string reason;
    while (reason.empty() && fill.size() < 10) {
      auto stream = co_await connect(there, after(100ms));
      if (stream) {
        fill.push_back(std::move(*stream));
      } else {
        reason = stream.error().detail;
      }
    }
    EXPECT_EQ(reason, "connect to " + there.text() + ": Connection timed out");
  }(listener->local()));
  run();
}

}  // namespace
}  // namespace ecrelay::net

#include <gmock/gmock.h>

#include "core/base64.h"
#include "test_session.h"

namespace ecrelay::smtp {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::EndsWith;

std::string line_of(std::size_t size) { return "NOOP " + std::string(size - 7, 'x') + "\r\n"; }

TEST(CommandLine, MayHave2048Octets) {
  for (const std::size_t step : {std::size_t{1}, std::size_t{1000}, ServerProtocol::max_read}) {
    TestSession session;
    session.feed(line_of(2048) + "NOOP\r\n", step);
    EXPECT_THAT(session.codes(), ElementsAre(250, 250));
  }
}

TEST(CommandLine, OverItsLimitGetsOneReplyAndTheEnd) {
  for (const std::string& line :
       {line_of(2049), line_of(60000), std::string(5000, 'x'), std::string(2047, 'x') + "\n\r\n"}) {
    for (const std::size_t step : {std::size_t{1}, ServerProtocol::max_read}) {
      TestSession session;
      session.feed(line + "NOOP\r\nQUIT\r\n", step);
      EXPECT_EQ(session.output, "500 5.5.2 line too long\r\n");
      EXPECT_EQ(session.closed_for, "command line over its limit");
    }
  }
}

TEST(CommandLine, MayBeLongerInAuthOnly) {
  const std::string long_password(9000, 'p');
  TestSession session;
  session.feed(
      std::string(hello) + "AUTH PLAIN " + base64_encode("\0u\0"s + long_password) + "\r\n", 1000);
  ASSERT_TRUE(session.auth);
  EXPECT_EQ(session.auth->password.reveal(), long_password);
  TestSession too_long;
  too_long.feed(std::string(hello) + "AUTH PLAIN\r\n" + std::string(12288, 'A'));
  EXPECT_EQ(too_long.closed_for, "command line over its limit");
}

TEST(Http, IsClosedWithoutAWord) {
  for (const char* verb : {"GET", "POST", "PUT", "HEAD", "CONNECT", "OPTIONS", "DELETE", "get"}) {
    TestSession session;
    session.feed(verb + " / HTTP/1.1\r\nHost: x\r\n\r\nMAIL FROM:<a@b.example>\r\n"s);
    EXPECT_EQ(session.output, "") << verb;
    EXPECT_EQ(session.closed_for, "HTTP or PROXY spoken to an SMTP server");
  }
}

TEST(Errors, EndTheSessionAtTheTenth) {
  TestSession session;
  for (int i = 0; i < 9; ++i) session.feed("NONSENSE\r\nNOOP\r\n");
  EXPECT_EQ(session.last_code(), 250);
  session.feed("DATA\r\nNOOP\r\n");
  EXPECT_THAT(session.output, EndsWith("250 2.0.0 ok\r\n421 4.7.0 too many errors\r\n"));
  EXPECT_EQ(session.closed_for, "too many protocol errors");
}

TEST(Errors, DoNotCountTheSessionsRefusals) {
  TestSession session;
  session.refuse["rcpt"] = Reply(550, "5.1.1", "no");
  session.feed(std::string(hello) + "MAIL FROM:<a@shop.example>\r\n");
  for (int i = 0; i < 50; ++i) session.feed("RCPT TO:<b@customer.example>\r\n");
  EXPECT_FALSE(session.protocol.closing());
}

TEST(IdleCommands, AreEndedWhenNoMessageComes) {
  TestSession session;
  for (int i = 0; i < 100; ++i) session.feed(i % 2 == 0 ? "NOOP\r\n" : "RSET\r\n");
  EXPECT_EQ(session.last_code(), 250);
  for (int i = 0; i < 10; ++i) session.feed("VRFY x\r\n");
  EXPECT_EQ(session.last_code(), 421);
  TestSession busy;
  for (int i = 0; i < 300; ++i) {
    busy.feed("EHLO client.test\r\n" + std::string(envelope) + "DATA\r\n.\r\nRSET\r\n");
  }
  EXPECT_EQ(busy.last_code(), 250);
}

TEST(Recipients, AreLimitedByThoseAccepted) {
  Limits limits;
  limits.recipients = 2;
  TestSession session(TestSession::offered(), limits);
  session.refuse["rcpt"] = Reply(550, "5.1.1", "no");
  session.feed(std::string(hello) + std::string(envelope) + "RCPT TO:<b@customer.example>\r\n");
  session.refuse.clear();
  session.feed(
      "RCPT TO:<c@customer.example>\r\nRCPT TO:<d@customer.example>\r\n"
      "RCPT TO:<e@customer.example>\r\nDATA\r\n.\r\n" +
      std::string(envelope));
  EXPECT_THAT(session.codes(), ElementsAre(250, 250, 550, 550, 250, 250, 452, 354, 250, 250, 250));
}

TEST(Output, StopsTheParsingWhileItIsUnsent) {
  Limits limits;
  limits.unsent_output = 100;
  limits.idle_commands = 1000;
  ServerProtocol protocol(TestSession::offered(), limits);
  protocol.answer(Reply(220, "", "hi"));
  std::string flood;
  for (int i = 0; i < 500; ++i) flood += "NOOP\r\n";
  protocol.receive(flood);
  std::size_t replies = 0;
  for (;;) {
    EXPECT_FALSE(protocol.next_event());
    const std::string output = protocol.take_output();
    EXPECT_LE(output.size(), 120U);
    if (output.empty()) break;
    replies += static_cast<std::size_t>(std::count(output.begin(), output.end(), '\n'));
  }
  EXPECT_EQ(replies, 501U);
}

TEST(Input, IsBounded) {
  ServerProtocol protocol(TestSession::offered());
  protocol.receive(std::string(ServerProtocol::max_read, 'x'));
  protocol.receive(std::string(ServerProtocol::max_read, 'x'));
  EXPECT_THROW(protocol.receive("x"), std::length_error);
}

TEST(ReceiveBuffer, KeepsItsBytesInOrderThroughMovesAndGrowth) {
  ReceiveBuffer buffer;
  std::string expected;
  std::size_t seed = 1;
  for (int i = 0; i < 2000; ++i) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    const std::string piece((seed >> 33) % 300, static_cast<char>('a' + i % 26));
    buffer.append(piece);
    expected += piece;
    const std::size_t take = std::min(expected.size(), (seed >> 43) % 300);
    buffer.consume(take);
    expected.erase(0, take);
    ASSERT_EQ(buffer.view(), expected);
  }
}

}  // namespace
}  // namespace ecrelay::smtp

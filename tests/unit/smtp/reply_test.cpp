#include "smtp/reply.h"

#include <gmock/gmock.h>

#include "smtp/stage.h"

namespace ecrelay::smtp {
namespace {

using namespace std::string_literals;

std::vector<Reply> parsed(std::string_view bytes, std::size_t step) {
  ReplyParser parser;
  std::vector<Reply> replies;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
    parser.receive(bytes.substr(0, step));
    for (;;) {
      auto reply = parser.next();
      EXPECT_TRUE(reply) << reply.error().detail;
      if (!reply || !*reply) break;
      replies.push_back(**reply);
    }
  }
  EXPECT_TRUE(parser.empty());
  return replies;
}

std::string garbage(std::string_view bytes) {
  std::string first;
  for (const std::size_t step : {std::size_t{1}, bytes.size()}) {
    ReplyParser parser;
    std::string why = "accepted";
    for (std::string_view rest = bytes; !rest.empty();
         rest.remove_prefix(std::min(step, rest.size()))) {
      parser.receive(rest.substr(0, step));
      if (auto reply = parser.next(); !reply) why = reply.error().detail;
    }
    if (first.empty()) first = why;
    EXPECT_EQ(why, first);
  }
  return first;
}

TEST(Reply, CarriesItsEnhancedCodeInEveryLine) {
  EXPECT_EQ(Reply(250, "2.0.0", "a\nb").wire(), "250-2.0.0 a\r\n250 2.0.0 b\r\n");
  EXPECT_EQ(Reply(354, "", "go on").wire(), "354 go on\r\n");
  EXPECT_EQ(Reply(334, "", "").wire(), "334 \r\n");
}

TEST(Reply, LetsNothingOutOfItsLine) {
  EXPECT_EQ(Reply(550, "5.7.1", "x\r250 ok\0\x1b\x7f\xe3\x81\x82"s).wire(),
            "550 5.7.1 x?250 ok??????\r\n");
  EXPECT_EQ(Reply(550, "5.7.1", "x\r\n250 ok").wire(), "550-5.7.1 x?\r\n550 5.7.1 250 ok\r\n");
  EXPECT_EQ(Reply(550, "5.\r\n1", "x").wire(), "550 5.??1 x\r\n");
}

TEST(Reply, KeepsLinesWithin512OctetsAndCountWithin128) {
  const std::string wire = Reply(250, "2.0.0", std::string(2000, 'x')).wire();
  EXPECT_EQ(wire.size(), 512U);
  EXPECT_THAT(wire, testing::EndsWith("x\r\n"));
  const std::string many = Reply(250, "", std::string(500, '\n')).wire();
  EXPECT_EQ(std::count(many.begin(), many.end(), '\n'), 128);
  EXPECT_THAT(many, testing::EndsWith("\r\n250 \r\n"));
}

TEST(Reply, ShowsItselfInOneLine) {
  EXPECT_EQ(Reply(550, "5.1.1", "no such\nuser").line(), "550 5.1.1 no such user");
  EXPECT_EQ(Reply(250, "", "").line(), "250");
}

TEST(ReplyParser, ReadsRepliesWhateverThePieces) {
  constexpr std::string_view bytes =
      "220 mx ready\r\n250-mx\r\n250-SIZE 10\r\n250 DSN\r\n550-5.1.1 no such\r\n"
      "550 5.1.1 user\r\n250\r\n421 4.3.2\r\n451 4.7.1x\r\n";
  const std::vector<Reply> expected = {Reply(220, "", "mx ready"),
                                       Reply(250, "", "mx\nSIZE 10\nDSN"),
                                       Reply(550, "5.1.1", "no such\nuser"),
                                       Reply(250, "", ""),
                                       Reply(421, "4.3.2", ""),
                                       Reply(451, "", "4.7.1x")};
  for (std::size_t step = 1; step <= bytes.size(); ++step) EXPECT_EQ(parsed(bytes, step), expected);
}

TEST(ReplyParser, ReadsBackWhatReplyWrites) {
  const Reply reply(552, "5.3.4", "too\nbig\n\nindeed");
  EXPECT_THAT(parsed(reply.wire(), 3), testing::ElementsAre(reply));
}

TEST(ReplyParser, RefusesWhatIsNoReply) {
  EXPECT_EQ(garbage("250 ok\n"), "line ends in a bare LF");
  EXPECT_EQ(garbage("250 o\rk\r\n"), "bare CR or NUL");
  EXPECT_EQ(garbage("250 o\0k\r\n"s), "bare CR or NUL");
  EXPECT_EQ(garbage("250 ok\r\r\n"), "bare CR or NUL");
  for (const char* line : {"\r\n", "ok\r\n", "25\r\n", "25x ok\r\n", "2500 ok\r\n", "150 ok\r\n",
                           "650 ok\r\n", "250+ok\r\n", "\x16\x03\x01\r\n", " 250 ok\r\n"}) {
    EXPECT_EQ(garbage(line), "line without a reply code") << line;
  }
  EXPECT_EQ(garbage("250-a\r\n550 b\r\n"), "codes differ between the lines of a reply");
}

TEST(ReplyParser, HoldsItsLimits) {
  EXPECT_EQ(garbage("250 " + std::string(4091, 'x') + "\r\n"), "line over 4 KiB");
  EXPECT_EQ(garbage(std::string(5000, '2')), "line over 4 KiB");
  EXPECT_EQ(parsed("250 " + std::string(4090, 'x') + "\r\n", 4096).size(), 1U);
  std::string lines;
  for (int i = 0; i < 127; ++i) lines += "250-x\r\n";
  EXPECT_EQ(parsed(lines + "250 x\r\n", 100).size(), 1U);
  EXPECT_EQ(garbage(lines + "250-x\r\n250 x\r\n"), "reply over 128 lines");
  std::string wide;
  for (int i = 0; i < 17; ++i) wide += "250-" + std::string(4000, 'x') + "\r\n";
  EXPECT_EQ(garbage(wide), "reply over 64 KiB");
}

TEST(ReplyParser, BelievesNothingAfterGarbage) {
  ReplyParser parser;
  parser.receive("250 ok\r\nrubbish\r\n250 ok\r\n");
  EXPECT_TRUE(parser.next());
  EXPECT_FALSE(parser.next());
  parser.receive("250 ok\r\n");
  EXPECT_FALSE(parser.next());
}

TEST(ReplyParser, IsNotEmptyInTheMiddleOfAReply) {
  ReplyParser parser;
  EXPECT_TRUE(parser.empty());
  parser.receive("220-half\r\n");
  EXPECT_FALSE((*parser.next()).has_value());
  EXPECT_FALSE(parser.empty());
  parser.receive("220 whole\r\n");
  EXPECT_TRUE((*parser.next()).has_value());
  EXPECT_TRUE(parser.empty());
}

TEST(Stage, HasTheWaitingTimesOfRfc5321) {
  using namespace std::chrono_literals;
  EXPECT_EQ(reply_time_limit(Stage::greeting), 5min);
  EXPECT_EQ(reply_time_limit(Stage::mail), 5min);
  EXPECT_EQ(reply_time_limit(Stage::rcpt), 5min);
  EXPECT_EQ(reply_time_limit(Stage::data), 2min);
  EXPECT_EQ(reply_time_limit(Stage::dot), 10min);
  EXPECT_EQ(to_text(Stage::starttls), "starttls");
}

}  // namespace
}  // namespace ecrelay::smtp

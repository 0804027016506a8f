#include <gmock/gmock.h>

#include "test_session.h"

namespace ecrelay::smtp {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::StartsWith;

const std::string to_data = std::string(hello) + std::string(envelope) + "DATA\r\n";
const std::string to_rcpt = std::string(hello) + std::string(envelope);

struct Variant {
  std::string body;  // after DATA, before the true end
  BodyProblem problem;
};

/// What some server somewhere took for the end of data, with a command behind it.
const std::vector<Variant> look_alikes = {
    {"hi\n.\nNOOP\r\n", BodyProblem::bare_lf},
    {"hi\n.\r\nNOOP\r\n", BodyProblem::bare_lf},
    {"hi\r\n.\nNOOP\r\n", BodyProblem::bare_lf},
    {"hi\r.\rNOOP\r\n", BodyProblem::bare_cr},
    {"hi\r.\r\nNOOP\r\n", BodyProblem::bare_cr},
    {"hi\r\n.\rNOOP\r\n", BodyProblem::bare_cr},
    {"hi\r\n.\r\r\nNOOP\r\n", BodyProblem::bare_cr},
    {"hi\r\r\n.\n\r\nNOOP\r\n", BodyProblem::bare_cr},
    {"hi\n\r.\n\rNOOP\r\n", BodyProblem::bare_cr},
    {"hi\r\n.\0\r\nNOOP\r\n"s, BodyProblem::nul},
    {"hi\r\n\0.\r\nNOOP\r\n"s, BodyProblem::nul},
    {"hi\0\r\n"s, BodyProblem::nul},
    {"hi\r\n. \r\nNOOP\r\n", BodyProblem::none},
    {"hi\r\n .\r\nNOOP\r\n", BodyProblem::none},
    {"hi\r\n..\r\nNOOP\r\n", BodyProblem::none},
    {"hi.\r\nNOOP\r\n", BodyProblem::none},
    {"hi\xe2\x80\xa8.\xe2\x80\xa8NOOP\r\n", BodyProblem::none},
    {"hi\x85.\x85NOOP\r\n", BodyProblem::none},
};

TEST(EndOfData, IsOnlyADotBetweenTwoCrlf) {
  for (const Variant& variant : look_alikes) {
    TestSession unfinished;
    unfinished.feed(to_data + variant.body);
    EXPECT_FALSE(unfinished.ended) << variant.body;
    for_every_cut(to_data + variant.body + ".\r\n", [&](TestSession& session) {
      ASSERT_TRUE(session.ended) << variant.body;
      EXPECT_EQ(session.ended->problem, variant.problem) << variant.body;
      const bool clean = variant.problem == BodyProblem::none;
      EXPECT_THAT(session.codes(), ElementsAre(250, 250, 250, 354, clean ? 250 : 554));
      EXPECT_EQ(session.protocol.closing(), !clean);
      EXPECT_EQ(session.closed_for.empty(), clean);
    });
  }
}

TEST(EndOfData, MayComeAtOnce) {
  for_every_cut(to_data + ".\r\nNOOP\r\n", [](TestSession& session) {
    EXPECT_EQ(session.body, "");
    EXPECT_EQ(session.ended->octets, 0U);
    EXPECT_THAT(session.codes(), ElementsAre(250, 250, 250, 354, 250, 250));
  });
}

TEST(EndOfData, TakesOneDotFromEachLineThatBeginsWithOne) {
  for_every_cut(to_data + "..\r\n...a\r\n.b\r\nc.\r\n.\r\n", [](TestSession& session) {
    EXPECT_EQ(session.body, ".\r\n..a\r\nb\r\nc.\r\n");
    EXPECT_EQ(session.ended->problem, BodyProblem::none);
  });
}

TEST(EndOfData, LeavesPipelinedCommandsForAfterTheReply) {
  TestSession session;
  session.feed(to_data + "one\r\n.\r\n" + std::string(envelope) + "DATA\r\ntwo\r\n.\r\nQUIT\r\n");
  EXPECT_EQ(session.body, "two\r\n");
  EXPECT_THAT(session.codes(), ElementsAre(250, 250, 250, 354, 250, 250, 250, 354, 250, 221));
}

TEST(EndOfData, ReadsNothingBehindASmuggledOne) {
  TestSession session;
  session.feed(to_data + "hi\n.\nx\r\n.\r\n" + std::string(envelope) + "DATA\r\nspam\r\n.\r\n");
  EXPECT_THAT(session.codes(), ElementsAre(250, 250, 250, 354, 554));
  EXPECT_THAT(session.events, ElementsAre("hello", "mail", "rcpt", "data", "end"));
  EXPECT_EQ(session.closed_for, "bare CR, bare LF or NUL in a message");
}

TEST(EndOfData, ReadsABodyAsCommandsWhenDataWasRefused) {
  TestSession session;
  session.refuse["data"] = Reply(451, "4.3.0", "no");
  session.feed(to_data + std::string(envelope) + "NOOP\r\n.\r\n");
  EXPECT_THAT(session.codes(), ElementsAre(250, 250, 250, 451, 250, 250, 250, 500));
}

TEST(BodySize, IsReadToItsTrueEndAndCounted) {
  Capabilities capabilities = TestSession::offered();
  capabilities.size = 10;
  for_every_cut(
      to_data + "12345678\r\n.\r\nRSET\r\n" + std::string(envelope) +
          "DATA\r\n12345678\r\n9\r\n.\r\nNOOP\r\n",
      [](TestSession& session) {
        EXPECT_EQ(session.ended->problem, BodyProblem::too_big);
        EXPECT_EQ(session.ended->octets, 13U);
        EXPECT_LE(session.body.size(), 10U);
        EXPECT_THAT(session.codes(),
                    ElementsAre(250, 250, 250, 354, 250, 250, 250, 250, 354, 552, 250));
      },
      capabilities);
}

TEST(BodySize, GivesSmugglingPrecedence) {
  Capabilities capabilities = TestSession::offered();
  capabilities.size = 4;
  TestSession session(capabilities);
  session.feed(to_data + "12345678\r\n\n\r\n.\r\n");
  EXPECT_EQ(session.ended->problem, BodyProblem::bare_lf);
  EXPECT_TRUE(session.protocol.closing());
}

TEST(BodyLine, HasALimitInDataAndBdat) {
  Limits limits;
  limits.body_line = 5;
  for (const std::string& start : {to_data, to_rcpt + "BDAT 7 LAST\r\n"}) {
    for_every_cut(
        start + "12345\r\n.\r\n",
        [](TestSession& session) { EXPECT_EQ(session.ended->problem, BodyProblem::none); },
        TestSession::offered(), limits);
  }
  for (const std::string& start : {to_data, to_rcpt + "BDAT 8 LAST\r\n"}) {
    for_every_cut(
        start + "123456\r\n.\r\n",
        [](TestSession& session) {
          EXPECT_EQ(session.ended->problem, BodyProblem::line_too_long);
          EXPECT_EQ(session.closed_for, "");
        },
        TestSession::offered(), limits);
  }
}

TEST(BodyPart, ShowsTheReceivedBytesWithoutJoiningOrCuttingThem) {
  TestSession session;
  session.feed(to_data);
  std::string chunk;
  for (int i = 0; i < 500; ++i) chunk += "a line of an ordinary message body\r\n";
  session.protocol.receive(chunk);
  const auto event = session.protocol.next_event();
  EXPECT_EQ(std::get<BodyPart>(*event).bytes, chunk);
  EXPECT_FALSE(session.protocol.next_event());
}

TEST(Bdat, TakesChunksWhereverTheyAreCut) {
  const std::string dialogue = to_rcpt +
                               "BDAT 7\r\n.\r\na\r\n\r"
                               "BDAT 0\r\n"
                               "BDAT 9 last\r\n\n.\r\nb\r\n\r\n"
                               "NOOP\r\n";
  for_every_cut(dialogue, [](TestSession& session) {
    EXPECT_EQ(session.body, ".\r\na\r\n\r\n.\r\nb\r\n\r\n");
    EXPECT_EQ(session.ended->problem, BodyProblem::none);
    EXPECT_EQ(session.ended->octets, 16U);
    EXPECT_THAT(session.codes(), ElementsAre(250, 250, 250, 250, 250, 250, 250));
    EXPECT_THAT(session.events, ElementsAre("hello", "mail", "rcpt", "bdat", "end"));
  });
}

TEST(Bdat, CompletesTheLastLine) {
  for_every_cut(to_rcpt + "BDAT 2 LAST\r\nhi", [](TestSession& session) {
    EXPECT_EQ(session.body, "hi\r\n");
    EXPECT_EQ(session.ended->octets, 4U);
  });
  TestSession empty;
  empty.feed(to_rcpt + "BDAT 0 LAST\r\n");
  EXPECT_EQ(empty.body, "");
  EXPECT_EQ(empty.last_code(), 250);
}

TEST(Bdat, HoldsTheRulesOfData) {
  for (const Variant& bad : std::vector<Variant>{{"a\nb", BodyProblem::bare_lf},
                                                 {"a\rb", BodyProblem::bare_cr},
                                                 {"a\r\r\n", BodyProblem::bare_cr},
                                                 {"a\r", BodyProblem::bare_cr},
                                                 {"a\0b"s, BodyProblem::nul}}) {
    for_every_cut(to_rcpt + "BDAT " + std::to_string(bad.body.size()) + " LAST\r\n" + bad.body,
                  [&](TestSession& session) {
                    EXPECT_EQ(session.ended->problem, bad.problem);
                    EXPECT_EQ(session.last_code(), 554);
                    EXPECT_TRUE(session.protocol.closing());
                  });
  }
}

TEST(Bdat, FindsABareCrAtTheEndOfAChunk) {
  TestSession session;
  session.feed(to_rcpt + "BDAT 2\r\na\rBDAT 1 LAST\r\nb");
  EXPECT_EQ(session.ended->problem, BodyProblem::bare_cr);
}

TEST(Bdat, RefusesAtTheChunkThatGoesOverTheSize) {
  Capabilities capabilities = TestSession::offered();
  capabilities.size = 10;
  for_every_cut(
      to_rcpt + "BDAT 8\r\n12345678BDAT 8\r\n12345678BDAT 4 LAST\r\nRSETNOOP\r\n",
      [](TestSession& session) {
        EXPECT_THAT(session.codes(), ElementsAre(250, 250, 250, 250, 552, 503, 250));
        EXPECT_LE(session.body.size(), 10U);
      },
      capabilities);
}

TEST(Bdat, IsReadByCountWhereItIsRefusedOrOutOfOrder) {
  for (const std::string& way :
       {std::string(), std::string(hello), std::string(hello) + "MAIL FROM:<a@shop.example>\r\n"}) {
    for_every_cut(way + "BDAT 24 LAST\r\nQUIT\r\nQUIT\r\nQUIT\r\nQUIT\r\nNOOP\r\n",
                  [](TestSession& session) {
                    ASSERT_GE(session.codes().size(), 2U);
                    EXPECT_EQ(session.codes()[session.codes().size() - 2], 503);
                    EXPECT_EQ(session.last_code(), 250);
                  });
  }
  TestSession session;
  session.refuse["bdat"] = Reply(452, "4.3.1", "no space");
  session.feed(to_rcpt + "BDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n");
  EXPECT_THAT(session.codes(), ElementsAre(250, 250, 250, 452, 503, 250));
}

TEST(Bdat, DoesNotMixWithDataOrANewEnvelope) {
  TestSession session;
  session.feed(to_rcpt +
               "BDAT 2\r\nhiDATA\r\nMAIL FROM:<x@y.example>\r\n"
               "RCPT TO:<x@y.example>\r\nBDAT 2 LAST\r\nho");
  EXPECT_THAT(session.codes(), ElementsAre(250, 250, 250, 250, 503, 503, 503, 250));
  EXPECT_EQ(session.body, "hiho\r\n");
}

TEST(Bdat, ClosesWhenItsSizeCannotBeRead) {
  for (const char* line :
       {"BDAT\r\n", "BDAT x\r\n", "BDAT -1\r\n", "BDAT 5 FIRST\r\n", "BDAT 5 LAST LAST\r\n",
        "BDAT 99999999999999999999\r\n", "BDAT LAST\r\n"}) {
    TestSession session;
    session.feed(to_rcpt + line + "NOOP\r\n");
    EXPECT_EQ(session.last_code(), 501) << line;
    EXPECT_EQ(session.closed_for, "BDAT without a size") << line;
  }
}

TEST(Bdat, HasALimitOfChunks) {
  Limits limits;
  limits.chunks = 3;
  TestSession session(TestSession::offered(), limits);
  session.feed(to_rcpt + "BDAT 1\r\naBDAT 1\r\nbBDAT 1\r\ncBDAT 1\r\ndNOOP\r\n");
  EXPECT_THAT(session.codes(), ElementsAre(250, 250, 250, 250, 250, 250, 554, 250));
  EXPECT_EQ(session.ended->problem, BodyProblem::too_many_chunks);
}

}  // namespace
}  // namespace ecrelay::smtp

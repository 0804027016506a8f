#include <gmock/gmock.h>

#include <random>

#include "smtp/dot_stuffer.h"
#include "smtp/dsn.h"
#include "test_driver.h"
#include "test_session.h"

namespace ecrelay::smtp {
namespace {

using Random = std::mt19937;

std::size_t below(Random& random, std::size_t limit) {
  return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
}

/// Canonical bodies, rich in dots at places that matter.
std::string random_body(Random& random) {
  constexpr std::array<std::string_view, 8> parts = {
      ".", "..", "\r\n", "\r\n.", "a", "\x83", " ", "a longer run of text. with dots."};
  std::string body;
  for (std::size_t i = below(random, 40); i > 0; --i) body += parts[below(random, parts.size())];
  if (!body.empty() && !body.ends_with("\r\n")) body += "\r\n";
  return body;
}

/// Views of `body` cut at random places, some of them empty.
std::vector<std::string_view> random_views(Random& random, std::string_view body) {
  std::vector<std::string_view> views;
  while (!body.empty()) {
    views.push_back(body.substr(0, below(random, 12)));
    body.remove_prefix(views.back().size());
  }
  return views;
}

std::string stuffed(std::vector<std::string_view> views, std::size_t at_once = 3) {
  DotStuffer stuffer(std::move(views));
  std::vector<std::string_view> pieces(at_once);
  std::string all;
  while (const std::size_t count = stuffer.next(pieces)) {
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_FALSE(pieces[i].empty());
      all += pieces[i];
    }
  }
  EXPECT_TRUE(stuffer.ended());
  return all;
}

TEST(DotStuffer, DoublesDotsAtLineStartsAndEndsTheMessage) {
  EXPECT_EQ(stuffed({}), ".\r\n");
  EXPECT_EQ(stuffed({"."}), "..\r\n.\r\n");
  EXPECT_EQ(stuffed({"a\r\n"}), "a\r\n.\r\n");
  EXPECT_EQ(stuffed({"a"}), "a\r\n.\r\n");
  EXPECT_EQ(stuffed({".\r\n..\r\na.\r\n"}), "..\r\n...\r\na.\r\n.\r\n");
  EXPECT_EQ(stuffed({"a\r", "\n", ".", ".b\r\n", "", ".\r", "\n.c"}),
            "a\r\n...b\r\n..\r\n..c\r\n.\r\n");
}

TEST(DotStuffer, CopiesNothing) {
  const std::string head = "Subject: x\r\n\r\n";
  const std::string body = "one\r\ntwo\r\n";
  DotStuffer stuffer({head, body});
  std::array<std::string_view, 8> pieces;
  EXPECT_EQ(stuffer.next(pieces), 3U);
  EXPECT_EQ(pieces[0].data(), head.data());
  EXPECT_EQ(pieces[1].data(), body.data());
}

TEST(RoundTrip, BringsEveryBodyThroughDataUnchanged) {
  Random random(20261123);
  for (int round = 0; round < 3000; ++round) {
    const std::string body = random_body(random);
    const std::string wire = stuffed(random_views(random, body), 1 + below(random, 5));
    TestSession session;
    session.feed(std::string(hello) + std::string(envelope) + "DATA\r\n");
    session.feed(wire + "NOOP\r\n", 1 + below(random, 30));
    ASSERT_EQ(session.body, body) << round;
    ASSERT_EQ(session.ended->problem, BodyProblem::none);
    ASSERT_THAT(session.output, testing::EndsWith("250 end ok\r\n250 2.0.0 ok\r\n"));
  }
}

/// Both machines of this module against each other, by DATA and by BDAT.
TEST(RoundTrip, BringsAMailFromOurClientToOurServer) {
  Random random(7);
  for (int round = 0; round < 400; ++round) {
    const std::string body = random_body(random);
    Capabilities capabilities = TestSession::offered();
    capabilities.chunking = round % 2 == 0;
    capabilities.pipelining = round % 3 == 0;
    TestSession server(capabilities);
    if (round % 5 == 0) server.refuse["rcpt"] = Reply(550, "5.1.1", "no");
    Driver client;
    client.hear("220 hi\r\n");
    server.feed("EHLO relay.test\r\n");
    client.hear(std::exchange(server.output, {}));
    ASSERT_EQ(client.take_events(), "ready ");
    Transaction transaction = message({"b@c.example", "d@c.example"});
    transaction.body = random_views(random, body);
    client.send(transaction);
    for (std::string said = client.said(); !said.empty();) {
      server.feed(said, 1 + below(random, 50));
      said = client.hear(std::exchange(server.output, {}), 1 + below(random, 50));
      if (client.take_events() == "body ") said += client.write_body();
    }
    ASSERT_EQ(client.results.size(), 2U);
    EXPECT_EQ(client.results[1].sent(), round % 5 != 0);
    if (round % 5 != 0) {
      ASSERT_EQ(server.body, body);
    }
    EXPECT_TRUE(client.client.idle());
  }
}

/// Anything a client may say, in any order: what happens does not depend on the segments.
TEST(RoundTrip, MeansTheSameHoweverItIsCut) {
  constexpr std::array<std::string_view, 27> tokens = {"EHLO a\r\n",
                                                       "MAIL FROM:<a@b.example>\r\n",
                                                       "RCPT TO:<a@b.example>\r\n",
                                                       "DATA\r\n",
                                                       "BDAT 3\r\n",
                                                       "BDAT 5 LAST\r\n",
                                                       "BDAT 0 LAST\r\n",
                                                       "RSET\r\n",
                                                       "NOOP\r\n",
                                                       ".\r\n",
                                                       "\r\n.\r\n",
                                                       "\n",
                                                       "\r",
                                                       "\r\n",
                                                       ".",
                                                       "abc",
                                                       "AUTH LOGIN\r\n",
                                                       "AUTH PLAIN AGEAYg==\r\n",
                                                       "YQ==\r\n",
                                                       "*\r\n",
                                                       "VRFY x\r\n",
                                                       "MAIL FROM:<> SIZE=9\r\n",
                                                       "EHLO a\r\n",
                                                       "MAIL FROM:<a@b.example>\r\n",
                                                       "RCPT TO:<a@b.example>\r\n",
                                                       "RCPT TO:<a@b.example>\r\nDATA\r\n",
                                                       "QUIT"};
  Random random(99);
  Limits limits;
  limits.command_line = 60;
  limits.chunks = 3;
  limits.errors = 30;
  Capabilities capabilities = TestSession::offered();
  capabilities.size = 30;
  for (int round = 0; round < 3000; ++round) {
    std::string dialogue(hello);
    if (round % 2 == 0) dialogue += envelope;
    for (std::size_t i = below(random, 20); i > 0; --i)
      dialogue += tokens[below(random, tokens.size())];
    TestSession whole(capabilities, limits);
    whole.feed(dialogue);
    TestSession cut(capabilities, limits);
    cut.feed(dialogue, 1 + below(random, 7), 1 + below(random, 40));
    ASSERT_EQ(cut.output, whole.output) << dialogue;
    ASSERT_EQ(cut.events, whole.events) << dialogue;
    ASSERT_EQ(cut.closed_for, whole.closed_for) << dialogue;
    // Where a body is refused, how much of it was shown first is left open.
    if (whole.events.back() != "end" || whole.ended->problem != BodyProblem::none) continue;
    ASSERT_EQ(cut.body, whole.body) << dialogue;
  }
}

TEST(Xtext, ComesBackAsItWas) {
  EXPECT_EQ(xtext_encoded("a+b=c d"), "a+2Bb+3Dc+20d");
  EXPECT_EQ(xtext_decoded("a+2bb+3Dc+20d"), "a+b=c d");
  EXPECT_EQ(xtext_decoded(xtext_encoded("\xe3\x81\x82")), "\xe3\x81\x82");
  for (const char* bad : {"+", "+4", "+4g", "a=b", "a b", "\xe3", "+7F", "+00", "+1B", "+E3"}) {
    EXPECT_EQ(xtext_decoded(bad), std::nullopt) << bad;
  }
}

TEST(Notify, ComesBackAsItWas) {
  for (const char* text : {"NEVER", "SUCCESS", "SUCCESS,FAILURE,DELAY", "FAILURE,DELAY"}) {
    EXPECT_EQ(to_text(*parse_notify(text)), text);
  }
  EXPECT_EQ(to_text(Notify()), "");
}

}  // namespace
}  // namespace ecrelay::smtp

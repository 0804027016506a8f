#include "smtp/server_states.h"

#include <gmock/gmock.h>

#include "smtp/command.h"
#include "test_session.h"

namespace ecrelay::smtp {
namespace {

struct Spoken {
  Verb verb;
  std::string line;
  int code;  // where it is legal
};

/// Every verb but http and unknown, as a client says it.
const std::vector<Spoken> lines = {
    {Verb::helo, "HELO client.test\r\n", 250},
    {Verb::ehlo, "EHLO client.test\r\n", 250},
    {Verb::starttls, "STARTTLS\r\n", 220},
    {Verb::auth, "AUTH PLAIN AGEAYg==\r\n", 235},
    {Verb::mail, "MAIL FROM:<a@shop.example>\r\n", 250},
    {Verb::rcpt, "RCPT TO:<b@customer.example>\r\n", 250},
    {Verb::data, "DATA\r\n", 354},
    {Verb::bdat, "BDAT 3\r\nabc", 250},
    {Verb::rset, "RSET\r\n", 250},
    {Verb::noop, "NOOP\r\n", 250},
    {Verb::vrfy, "VRFY a\r\n", 252},
    {Verb::expn, "EXPN a\r\n", 502},
    {Verb::help, "HELP\r\n", 214},
    {Verb::quit, "QUIT\r\n", 221},
};

/// What brings a session into each state that reads commands.
const std::vector<std::pair<State, std::string>> ways = {
    {State::fresh, ""},
    {State::ready, std::string(hello)},
    {State::mail, std::string(hello) + "MAIL FROM:<a@shop.example>\r\n"},
    {State::rcpt, std::string(hello) + std::string(envelope)},
    {State::chunks, std::string(hello) + std::string(envelope) + "BDAT 2\r\nhi"},
};

TEST(ServerOrder, AnswersEveryVerbInEveryStateAsTheTableSays) {
  for (const auto& [state, way] : ways) {
    for (const Spoken& spoken : lines) {
      SCOPED_TRACE("state " + std::to_string(static_cast<int>(state)) + ": " + spoken.line);
      TestSession session;
      session.feed(way);
      session.output.clear();
      session.feed(spoken.line);
      const bool legal = after(state, spoken.verb).has_value();
      EXPECT_EQ(session.last_code(), legal ? spoken.code : 503);
      EXPECT_EQ(session.codes().size(), 1U);
      EXPECT_EQ(session.protocol.closing(), spoken.verb == Verb::quit);
    }
  }
}

TEST(ServerOrder, LeavesTheStateAsItWasAfterWhatIsOutOfOrder) {
  for (const auto& [state, way] : ways) {
    for (const Spoken& spoken : lines) {
      if (after(state, spoken.verb)) continue;
      for (const Spoken& then : lines) {
        SCOPED_TRACE("state " + std::to_string(static_cast<int>(state)) + ": " + spoken.line +
                     then.line);
        TestSession session;
        session.feed(way + spoken.line);
        session.output.clear();
        session.feed(then.line);
        EXPECT_EQ(session.last_code(), after(state, then.verb) ? then.code : 503);
      }
    }
  }
}

/// After `way`, every verb must be answered as in State::ready.
void expect_no_transaction(const std::string& way, const std::map<std::string, Reply>& refusals) {
  for (const Spoken& spoken : lines) {
    SCOPED_TRACE(way + spoken.line);
    TestSession session;
    session.refuse = refusals;
    session.feed(way);
    session.refuse.clear();
    session.output.clear();
    session.feed(spoken.line);
    EXPECT_EQ(session.last_code(), after(State::ready, spoken.verb) ? spoken.code : 503);
  }
}

TEST(ServerOrder, HasNoTransactionAfterAnyFinalReplyToABody) {
  const std::string start = std::string(hello) + std::string(envelope);
  const Reply no(554, "5.7.1", "no");
  expect_no_transaction(start + "DATA\r\nhi\r\n.\r\n", {});
  expect_no_transaction(start + "DATA\r\nhi\r\n.\r\n", {{"end", no}});
  expect_no_transaction(start + "DATA\r\n", {{"data", no}});
  expect_no_transaction(start + "BDAT 2 LAST\r\nhi", {});
  expect_no_transaction(start + "BDAT 2 LAST\r\nhi", {{"end", no}});
  expect_no_transaction(start + "BDAT 2\r\nhi", {{"bdat", no}});
  expect_no_transaction(start + "BDAT 2\r\nhiBDAT 2 LAST\r\nhi", {{"end", no}});
  expect_no_transaction(start + "RSET\r\n", {});
  expect_no_transaction(start + "EHLO again.test\r\n", {});
  expect_no_transaction(start + "BDAT 2\r\nhiRSET\r\n", {});
  expect_no_transaction(start + "BDAT 2\r\nhiEHLO again.test\r\n", {});
}

TEST(ServerOrder, KeepsTheTransactionWhenEhloInItIsRefused) {
  TestSession session;
  session.feed(std::string(hello) + std::string(envelope));
  session.refuse["hello"] = Reply(550, "5.7.1", "no");
  session.feed("EHLO other.test\r\nDATA\r\n");
  EXPECT_EQ(session.last_code(), 354);
}

TEST(ServerOrder, NeedsAnAcceptedSenderAndRecipient) {
  TestSession session;
  session.refuse["mail"] = Reply(550, "5.7.1", "no");
  session.feed(std::string(hello) + "MAIL FROM:<a@shop.example>\r\nRCPT TO:<b@c.example>\r\n");
  EXPECT_EQ(session.last_code(), 503);
  session.refuse = {{"rcpt", Reply(550, "5.1.1", "no")}};
  session.feed(std::string(envelope) + "DATA\r\n");
  EXPECT_THAT(session.output, testing::EndsWith("503 5.5.1 no valid recipients\r\n"));
  session.refuse.clear();
  session.feed("RCPT TO:<b@customer.example>\r\nDATA\r\n");
  EXPECT_EQ(session.last_code(), 354);
}

TEST(ServerOrder, KnowsVerbsInAnyCaseAndRefusesOthers) {
  EXPECT_EQ(parse_command("eHlO x").verb, Verb::ehlo);
  EXPECT_EQ(parse_command("EHLOX x").verb, Verb::unknown);
  EXPECT_EQ(parse_command("MAIL  FROM:<> ").arguments, "FROM:<>");
  TestSession session;
  session.feed("XCLIENT ADDR=1.2.3.4\r\n\r\nDATA now\r\n");
  EXPECT_EQ(session.output,
            "500 5.5.1 unknown command\r\n500 5.5.2 not a command\r\n503 5.5.1 EHLO first\r\n");
}

}  // namespace
}  // namespace ecrelay::smtp

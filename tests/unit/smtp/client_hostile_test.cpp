#include <gmock/gmock.h>

#include "test_driver.h"

namespace ecrelay::smtp {
namespace {

using namespace std::string_literals;

void expect_all_retried(const Driver& driver, std::size_t count) {
  ASSERT_EQ(driver.results.size(), count);
  for (const RecipientResult& result : driver.results) {
    EXPECT_EQ(result.origin, Origin::trouble);
    EXPECT_TRUE(result.reply.transient());
    EXPECT_FALSE(result.sent());
  }
}

/// Garbage wherever it comes is the end of the connection and nobody's failure.
TEST(HostileUpstream, IsNeverAPermanentFailure) {
  const std::vector<std::string> rubbish = {"\r\n",
                                            "hello\r\n",
                                            "250 ok\n",
                                            "250 o\rk\r\n",
                                            "250-a\r\n550 b\r\n",
                                            "150 x\r\n",
                                            "999 x\r\n",
                                            "250 \0\r\n"s,
                                            std::string(5000, '5'),
                                            "550-" + std::string(5000, 'x') + "\r\n",
                                            "\x15\x03\x01\x00\x02\x02\x28\r\n"s};
  const std::vector<std::string> before = {"", "250 ok\r\n", "250 ok\r\n550 5.1.1 no\r\n",
                                           "250 ok\r\n550 no\r\n250 ok\r\n",
                                           "250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n"};
  for (const std::string& good : before) {
    for (const std::string& bad : rubbish) {
      for (const std::size_t step : {std::size_t{1}, std::size_t{10000}}) {
        Driver driver;
        driver.greet("PIPELINING");
        driver.send(message({"b@c.example", "d@c.example"}));
        driver.said();
        driver.hear(good, step);
        driver.hear(bad, step);
        EXPECT_THAT(driver.events, testing::EndsWith("finished ended ")) << good << bad;
        EXPECT_EQ(driver.ended.cause, Ended::Cause::garbage);
        EXPECT_TRUE(driver.ended.reply.transient());
        expect_all_retried(driver, 2);
        EXPECT_TRUE(driver.client.closing());
      }
    }
  }
}

TEST(HostileUpstream, IsStoppedBeforeAnyTransaction) {
  for (const std::string& greeting :
       {"220\n"s, "354 go\r\n"s, "220 a\r\n220 b\r\n"s, "220 a\r\n250 early\r\n"s,
        "220-" + std::string(70000, 'x')}) {
    Driver driver;
    driver.hear(greeting);
    EXPECT_EQ(driver.ended.cause, Ended::Cause::garbage) << greeting.substr(0, 20);
    EXPECT_EQ(driver.said(), "");
  }
  Driver endless;
  endless.hear("220 mx\r\n");
  for (int i = 0; i < 10000 && !endless.client.closing(); ++i) endless.hear("250-X-A\r\n");
  EXPECT_EQ(endless.ended.cause, Ended::Cause::garbage);
}

TEST(HostileUpstream, IsNotBelievedWhenItAnswersWhatWasNotSaid) {
  Driver idle;
  idle.greet("PIPELINING");
  idle.hear("250 ok\r\n");
  EXPECT_EQ(idle.ended.cause, Ended::Cause::garbage);

  Driver early;  // the commands are still in the output
  early.greet("PIPELINING");
  early.send(message({"b@c.example"}));
  early.hear("250 ok\r\n250 ok\r\n354 go\r\n");
  EXPECT_EQ(early.ended.cause, Ended::Cause::garbage);
  expect_all_retried(early, 1);

  Driver one_too_many;
  one_too_many.greet("SIZE");
  one_too_many.send(message({"b@c.example"}));
  one_too_many.said();
  one_too_many.hear("250 ok\r\n250 ok\r\n");
  EXPECT_EQ(one_too_many.ended.cause, Ended::Cause::garbage);
}

TEST(HostileUpstream, IsNotBelievedWhenAReplyDoesNotFit) {
  for (const char* replies :
       {"354 go\r\n", "250 ok\r\n354 go\r\n", "250 ok\r\n250 ok\r\n250 ok\r\n"}) {
    Driver driver;
    driver.greet("PIPELINING");
    driver.send(message({"b@c.example"}));
    driver.said();
    driver.hear(replies);
    EXPECT_EQ(driver.ended.cause, Ended::Cause::garbage) << replies;
    expect_all_retried(driver, 1);
  }
  Driver login;
  login.greet("AUTH PLAIN");
  login.client.log_in("u", Secret("p"));
  login.said();
  login.hear("334 more\r\n");
  EXPECT_EQ(login.ended.cause, Ended::Cause::garbage);
}

TEST(HostileUpstream, MayNotAcceptABodyBeforeItsEnd) {
  Driver driver;
  driver.greet("PIPELINING\nCHUNKING");
  driver.send(message({"b@c.example"}));
  driver.said();
  driver.hear("250 ok\r\n250 ok\r\n");
  driver.said();
  driver.hear("250 already\r\n");
  EXPECT_EQ(driver.ended.cause, Ended::Cause::garbage);
  expect_all_retried(driver, 1);
  EXPECT_FALSE(driver.results[0].in_doubt());
}

TEST(ClientEnd, BelievesARefusalInTheMiddleOfTheBodyAndCloses) {
  Driver driver;
  driver.greet("PIPELINING");
  driver.send(message({"b@c.example"}));
  driver.said();
  driver.hear("250 ok\r\n250 ok\r\n354 go\r\n");
  driver.hear("552 5.3.4 too big\r\n");
  EXPECT_EQ(driver.take_events(), "body finished ended ");
  EXPECT_EQ(driver.results[0].reply, Reply(552, "5.3.4", "too big"));
  EXPECT_EQ(driver.results[0].stage, Stage::dot);
  EXPECT_EQ(driver.write_body(), "");  // does nothing, and does not throw
}

TEST(ClientEnd, Tells421AtAnyStage) {
  const std::vector<std::pair<std::string, Stage>> stages = {
      {"", Stage::mail},
      {"250 ok\r\n", Stage::rcpt},
      {"250 ok\r\n550 5.1.1 no\r\n", Stage::rcpt},
      {"250 ok\r\n550 5.1.1 no\r\n250 ok\r\n", Stage::data}};
  for (const auto& [good, stage] : stages) {
    Driver driver;
    driver.greet("PIPELINING");
    driver.send(message({"b@c.example", "d@c.example"}));
    driver.said();
    driver.hear(good + "421 4.3.2 going down\r\n");
    EXPECT_EQ(driver.take_events(), "finished ended ");
    EXPECT_EQ(driver.results[1].stage, stage);
    EXPECT_EQ(driver.results[1].reply.code, 421);
    // A refusal that was given in good order stays one.
    EXPECT_EQ(driver.results[0].reply.code, good.find("550") == good.npos ? 421 : 550);
    EXPECT_EQ(driver.ended.cause, Ended::Cause::refused);
    EXPECT_EQ(driver.ended.stage, stage);
  }
  Driver idle;
  idle.greet("SIZE");
  idle.hear("421 4.4.2 idle too long\r\n");
  EXPECT_EQ(idle.ended.cause, Ended::Cause::refused);
  EXPECT_EQ(idle.ended.stage, Stage::quit);
  EXPECT_THROW(idle.client.quit(), std::logic_error);
  Driver greeting;
  greeting.hear("421 4.3.2 busy\r\n");
  EXPECT_EQ(greeting.ended.stage, Stage::greeting);
}

TEST(ClientEnd, SaysWhoIsInDoubtWhenTheConnectionBreaks) {
  Driver before_end;
  before_end.greet("PIPELINING");
  before_end.send(message({"b@c.example", "d@c.example"}));
  before_end.said();
  before_end.hear("250 ok\r\n550 5.1.1 no\r\n250 ok\r\n354 go\r\n");
  std::array<std::string_view, 1> piece;
  EXPECT_EQ(before_end.client.next_pieces(piece), 1U);
  before_end.client.connection_lost("reset");
  before_end.hear("");
  EXPECT_EQ(before_end.take_events(), "body finished ended ");
  EXPECT_EQ(before_end.results[0].reply.code, 550);
  EXPECT_EQ(before_end.results[1].stage, Stage::data);
  EXPECT_EQ(before_end.results[1].reply.code, 451);
  EXPECT_FALSE(before_end.results[1].in_doubt());
  EXPECT_EQ(before_end.ended.detail, "reset");

  Driver after_end;
  after_end.greet("PIPELINING");
  after_end.send(message({"b@c.example"}));
  after_end.said();
  after_end.hear("250 ok\r\n250 ok\r\n354 go\r\n");
  after_end.write_body();
  after_end.client.connection_lost("time-out");
  after_end.client.connection_lost("again");
  after_end.hear("");
  EXPECT_EQ(after_end.take_events(), "body finished ended ");
  EXPECT_TRUE(after_end.results[0].in_doubt());
}

TEST(ClientEnd, RefusesActionsOutOfTurn) {
  ClientProtocol client("relay.test");
  EXPECT_THROW(client.send(message({"b@c.example"})), std::logic_error);
  EXPECT_THROW(client.start_tls(), std::logic_error);
  EXPECT_THROW(client.body_written(), std::logic_error);
  EXPECT_EQ(client.waiting_for(), Stage::greeting);
}

}  // namespace
}  // namespace ecrelay::smtp

#include <gmock/gmock.h>

#include <algorithm>

#include "core/base64.h"
#include "test_driver.h"

namespace ecrelay::smtp {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const std::string envelope_lines =
    "MAIL FROM:<a@shop.example>\r\nRCPT TO:<b@c.example>\r\nRCPT TO:<d@c.example>\r\n";

TEST(Client, SaysOneCommandAtATimeToAPlainServer) {
  for (std::size_t step = 1; step < 40; ++step) {
    Driver driver;
    EXPECT_EQ(driver.said(), "");
    EXPECT_EQ(driver.hear("220-mx\r\n220 hi\r\n", step), "EHLO relay.test\r\n");
    EXPECT_EQ(driver.hear("250 mx.test\r\n", step), "");
    driver.send(message({"b@c.example", "d@c.example"}));
    EXPECT_EQ(driver.said(), "MAIL FROM:<a@shop.example>\r\n");
    EXPECT_EQ(driver.hear("250 ok\r\n", step), "RCPT TO:<b@c.example>\r\n");
    EXPECT_EQ(driver.hear("250 ok\r\n", step), "RCPT TO:<d@c.example>\r\n");
    EXPECT_EQ(driver.hear("550 5.1.1 no\r\n", step), "DATA\r\n");
    EXPECT_EQ(driver.client.waiting_for(), Stage::data);
    EXPECT_EQ(driver.hear("354 go\r\n", step), "");
    EXPECT_EQ(driver.client.waiting_for(), std::nullopt);
    EXPECT_EQ(driver.write_body(), "Subject: x\r\n\r\n..dot\r\n.\r\n");
    EXPECT_EQ(driver.client.waiting_for(), Stage::dot);
    EXPECT_EQ(driver.hear("250 2.0.0 queued\r\n", step), "");
    EXPECT_EQ(driver.take_events(), "ready body finished ");
    ASSERT_EQ(driver.results.size(), 2U);
    EXPECT_TRUE(driver.results[0].sent());
    EXPECT_EQ(driver.results[0].reply, Reply(250, "2.0.0", "queued"));
    EXPECT_EQ(driver.results[1].stage, Stage::rcpt);
    EXPECT_EQ(driver.results[1].reply, Reply(550, "5.1.1", "no"));
    driver.client.quit();
    EXPECT_EQ(driver.said(), "QUIT\r\n");
    driver.hear("221 bye\r\n", step);
    EXPECT_EQ(driver.take_events(), "ended ");
    EXPECT_EQ(driver.ended.cause, Ended::Cause::done);
    EXPECT_TRUE(driver.client.closing());
  }
}

TEST(Client, ReadsWhatIsOffered) {
  const auto offered = parse_capabilities(
      Reply(250, "",
            "mx.test STARTTLS\npipelining\nSIZE 1000\n8BITMIME\nSMTPUTF8\nCHUNKING\nDSN\n"
            "AUTH login PLAIN\nENHANCEDSTATUSCODES\nX-OTHER 1"));
  EXPECT_TRUE(offered.pipelining && offered.eight_bit_mime && offered.smtputf8 && offered.chunking);
  EXPECT_TRUE(offered.dsn && offered.enhanced_status_codes && offered.has_size);
  EXPECT_FALSE(offered.starttls);
  EXPECT_EQ(offered.size, 1000U);
  EXPECT_THAT(offered.auth, ElementsAre("LOGIN", "PLAIN"));
  EXPECT_EQ(parse_capabilities(Reply(250, "", "STARTTLS")).starttls, false);
}

TEST(Client, PipelinesTheEnvelopeWithData) {
  Driver driver;
  driver.greet("PIPELINING\nSIZE\n8BITMIME");
  Transaction transaction = message({"b@c.example", "d@c.example"});
  transaction.eight_bit = true;
  driver.send(transaction);
  EXPECT_EQ(driver.said(),
            "MAIL FROM:<a@shop.example> SIZE=20 BODY=8BITMIME\r\n"
            "RCPT TO:<b@c.example>\r\nRCPT TO:<d@c.example>\r\nDATA\r\n");
  driver.hear("250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n");
  EXPECT_EQ(driver.write_body(), "Subject: x\r\n\r\n..dot\r\n.\r\n");
  driver.hear("250 ok\r\n");
  EXPECT_EQ(driver.take_events(), "body finished ");
  EXPECT_EQ(driver.results[0].stage, Stage::rcpt);
  EXPECT_TRUE(driver.results[1].sent());
  // The dot ended the transaction: no RSET before the next.
  driver.send(message({"b@c.example"}));
  EXPECT_THAT(driver.said(), StartsWith("MAIL"));
}

TEST(Client, EndsAPipelinedDataThatNobodyIsLeftForWithAnEmptyDot) {
  for (const char* refusals : {"250 ok\r\n550 5.1.1 no\r\n550 5.1.1 no\r\n",
                               "550 5.1.1 no\r\n503 no mail\r\n503 no mail\r\n"}) {
    Driver driver;
    driver.greet("PIPELINING");
    driver.send(message({"b@c.example", "d@c.example"}));
    driver.said();
    EXPECT_EQ(driver.hear(refusals + "354 go\r\n"s), ".\r\n");
    EXPECT_EQ(driver.take_events(), "");
    EXPECT_EQ(driver.hear("250 accepted for nobody\r\n"), "");
    EXPECT_EQ(driver.take_events(), "finished ");
    for (const auto& result : driver.results) {
      EXPECT_EQ(result.reply, Reply(550, "5.1.1", "no"));
      EXPECT_FALSE(result.sent());
    }
  }
}

TEST(Client, ResetsBetweenTransactionsAfterAFailure) {
  Driver driver;
  driver.greet("PIPELINING");
  driver.send(message({"b@c.example"}));
  driver.said();
  driver.hear("250 ok\r\n451 4.7.1 later\r\n503 no recipients\r\n");
  EXPECT_EQ(driver.take_events(), "finished ");
  EXPECT_EQ(driver.results[0].reply, Reply(451, "4.7.1", "later"));
  driver.send(message({"b@c.example"}));
  EXPECT_THAT(driver.said(), StartsWith("RSET\r\nMAIL FROM"));
  driver.hear("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
  EXPECT_EQ(driver.take_events(), "body ");
}

TEST(Client, StopsAtARefusedSenderWithoutPipelining) {
  Driver driver;
  driver.greet("SIZE");
  driver.send(message({"b@c.example", "d@c.example"}));
  EXPECT_THAT(driver.said(), HasSubstr(" SIZE=20"));
  EXPECT_EQ(driver.hear("550 5.7.1 no\r\n"), "");
  EXPECT_EQ(driver.take_events(), "finished ");
  EXPECT_EQ(driver.results[1].stage, Stage::mail);
  EXPECT_EQ(driver.results[1].reply, Reply(550, "5.7.1", "no"));
}

TEST(Client, GivesTheReplyToDataToThoseWhoWereAccepted) {
  Driver driver;
  driver.greet("PIPELINING");
  driver.send(message({"b@c.example", "d@c.example"}));
  driver.said();
  driver.hear("250 ok\r\n250 ok\r\n550 5.1.1 no\r\n452 4.3.1 full\r\n");
  EXPECT_EQ(driver.take_events(), "finished ");
  EXPECT_EQ(driver.results[0].stage, Stage::data);
  EXPECT_EQ(driver.results[0].reply, Reply(452, "4.3.1", "full"));
  EXPECT_EQ(driver.results[1].stage, Stage::rcpt);
}

TEST(Client, SendsTheBodyAsItIsInOneChunk) {
  Driver driver;
  driver.greet("PIPELINING\nCHUNKING");
  driver.send(message({"b@c.example", "d@c.example"}));
  EXPECT_EQ(driver.said(), envelope_lines);
  EXPECT_EQ(driver.hear("250 ok\r\n550 no\r\n250 ok\r\n"), "BDAT 20 LAST\r\n");
  EXPECT_EQ(driver.take_events(), "body ");
  EXPECT_EQ(driver.write_body(), "Subject: x\r\n\r\n.dot\r\n");
  driver.hear("250 ok\r\n");
  EXPECT_TRUE(driver.results[1].sent());
  Driver refused;
  refused.greet("PIPELINING\nCHUNKING");
  refused.send(message({"b@c.example"}));
  refused.said();
  EXPECT_EQ(refused.hear("250 ok\r\n550 no\r\n"), "");
  EXPECT_EQ(refused.take_events(), "finished ");
}

TEST(Client, KeepsNoMoreThan100CommandsUnanswered) {
  Driver driver;
  driver.greet("PIPELINING");
  Transaction transaction = message({});
  for (int i = 0; i < 1000; ++i) transaction.recipients.emplace_back(address("b@c.example"));
  driver.send(transaction);
  std::string said = driver.said();
  std::size_t commands = 0;
  while (!said.empty()) {
    const auto lines = std::count(said.begin(), said.end(), '\n');
    EXPECT_LE(lines, 100);
    commands += static_cast<std::size_t>(lines);
    std::string replies;
    const bool data = said.ends_with("DATA\r\n");
    for (long i = 0; i < lines - (data ? 1 : 0); ++i) replies += "250 ok\r\n";
    said = driver.hear(replies + (data ? "354 go\r\n" : ""));
  }
  EXPECT_EQ(commands, 1002U);
  EXPECT_EQ(driver.take_events(), "body ");
}

TEST(Client, FallsBackToHelo) {
  Driver driver;
  driver.hear("220 mx\r\n");
  EXPECT_EQ(driver.hear("502 what\r\n"), "HELO relay.test\r\n");
  driver.hear("250 hi\r\n");
  EXPECT_EQ(driver.take_events(), "ready ");
  EXPECT_FALSE(driver.client.capabilities().extended);
}

TEST(Client, TellsARefusedGreetingAndHello) {
  Driver greeting;
  greeting.hear("554 5.7.1 go away\r\n");
  EXPECT_EQ(greeting.take_events(), "ended ");
  EXPECT_EQ(greeting.ended.cause, Ended::Cause::refused);
  EXPECT_EQ(greeting.ended.stage, Stage::greeting);
  EXPECT_EQ(greeting.ended.reply, Reply(554, "5.7.1", "go away"));
  Driver hello;
  hello.hear("220 mx\r\n");
  hello.hear("451 later\r\n");
  EXPECT_EQ(hello.ended.stage, Stage::hello);
  EXPECT_TRUE(hello.client.closing());
}

TEST(Client, ForgetsTheCapabilitiesAtTls) {
  Driver driver;
  driver.greet("STARTTLS\nCHUNKING\nAUTH PLAIN");
  driver.client.start_tls();
  EXPECT_EQ(driver.said(), "STARTTLS\r\n");
  EXPECT_EQ(driver.hear("220 go\r\n"), "");
  EXPECT_EQ(driver.take_events(), "handshake ");
  EXPECT_THROW(driver.client.quit(), std::logic_error);
  driver.client.tls_started();
  EXPECT_EQ(driver.said(), "EHLO relay.test\r\n");
  driver.hear("250-mx\r\n250 SIZE 5\r\n");
  EXPECT_EQ(driver.take_events(), "ready ");
  EXPECT_FALSE(driver.client.capabilities().chunking);
  EXPECT_THAT(driver.client.capabilities().auth, testing::IsEmpty());
}

TEST(Client, TakesPlaintextBehindStartTlsForGarbage) {
  for (const std::string& reply : {"220 go\r\n250 injected\r\n"s, "220 go\r\n2"s}) {
    Driver driver;
    driver.greet("STARTTLS");
    driver.client.start_tls();
    driver.said();
    driver.hear(reply);
    EXPECT_THAT(driver.take_events(), testing::EndsWith("ended "));
    EXPECT_EQ(driver.ended.cause, Ended::Cause::garbage);
  }
  Driver later;
  later.greet("STARTTLS");
  later.client.start_tls();
  later.said();
  later.hear("220 go\r\n");
  later.hear("2");
  EXPECT_EQ(later.ended.cause, Ended::Cause::garbage);
}

TEST(Client, SurvivesARefusedOrMissingStartTls) {
  Driver driver;
  driver.greet("STARTTLS");
  driver.client.start_tls();
  driver.said();
  driver.hear("454 4.7.0 not now\r\n");
  EXPECT_EQ(driver.take_events(), "refused ");
  EXPECT_EQ(driver.refused.origin, Origin::peer);
  EXPECT_TRUE(driver.client.idle());
  Driver without;
  without.greet("SIZE");
  without.client.start_tls();
  EXPECT_EQ(without.hear(""), "");
  EXPECT_EQ(without.take_events(), "refused ");
  EXPECT_EQ(without.refused.origin, Origin::local);
  EXPECT_TRUE(without.refused.reply.transient());
}

TEST(Client, LogsInWithPlainOrLogin) {
  Driver plain;
  plain.greet("AUTH LOGIN PLAIN");
  plain.client.log_in("relay", Secret("pass"));
  EXPECT_EQ(plain.said(), "AUTH PLAIN " + base64_encode("\0relay\0pass"s) + "\r\n");
  plain.hear("235 2.7.0 ok\r\n");
  EXPECT_EQ(plain.take_events(), "ready ");

  Driver login;
  login.greet("AUTH LOGIN");
  login.client.log_in("relay", Secret("pass"));
  EXPECT_EQ(login.said(), "AUTH LOGIN\r\n");
  EXPECT_EQ(login.hear("334 VXNlcm5hbWU6\r\n"), base64_encode("relay") + "\r\n");
  EXPECT_EQ(login.hear("334 UGFzc3dvcmQ6\r\n"), base64_encode("pass") + "\r\n");
  login.hear("535 5.7.8 wrong\r\n");
  EXPECT_EQ(login.take_events(), "refused ");
  EXPECT_EQ(login.refused.reply, Reply(535, "5.7.8", "wrong"));

  Driver none;
  none.greet("AUTH CRAM-MD5");
  none.client.log_in("relay", Secret("pass"));
  EXPECT_EQ(none.hear(""), "");
  EXPECT_EQ(none.take_events(), "refused ");
}

TEST(Client, RefusesLocallyWhatNeedsSmtputf8) {
  Driver driver;
  driver.greet("PIPELINING");
  driver.send(message({"\xe3\x81\x82@c.example", "b@c.example", "b@\xe6\x97\xa5\xe6\x9c\xac.jp"}));
  EXPECT_EQ(driver.said(),
            "MAIL FROM:<a@shop.example>\r\nRCPT TO:<b@c.example>\r\n"
            "RCPT TO:<b@xn--wgv71a.jp>\r\nDATA\r\n");
  driver.hear("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
  driver.write_body();
  driver.hear("250 ok\r\n");
  EXPECT_EQ(driver.results[0].origin, Origin::local);
  EXPECT_EQ(driver.results[0].reply.code, 553);
  EXPECT_EQ(driver.results[0].reply.enhanced, "5.6.7");
  EXPECT_TRUE(driver.results[1].sent());

  driver.take_events();
  Transaction header = message({"b@c.example"});
  header.smtputf8 = true;
  driver.send(header);
  EXPECT_EQ(driver.said(), "");
  EXPECT_EQ(driver.take_events(), "finished ");
  EXPECT_EQ(driver.results[0].reply.enhanced, "5.6.7");
}

TEST(Client, SaysSmtputf8OnlyWhereNeeded) {
  Driver driver;
  driver.greet("PIPELINING\nSMTPUTF8\n8BITMIME");
  driver.send(message({"\xe3\x81\x82@c.example"}));
  EXPECT_THAT(driver.said(), StartsWith("MAIL FROM:<a@shop.example> SMTPUTF8\r\n"
                                        "RCPT TO:<\xe3\x81\x82@c.example>\r\n"));
  Driver plain;
  plain.greet("PIPELINING\nSMTPUTF8\n8BITMIME");
  plain.send(message({"b@c.example"}));
  EXPECT_THAT(plain.said(), StartsWith("MAIL FROM:<a@shop.example>\r\n"));
}

TEST(Client, PassesDsnOnWhereOffered) {
  Transaction transaction = message({"b@c.example"});
  transaction.sender.reset();
  transaction.ret = Ret::headers;
  transaction.envid = "a b";
  transaction.recipients[0].notify = Notify{.failure = true};
  transaction.recipients[0].orcpt = "rfc822;b+x@c.example";
  Driver driver;
  driver.greet("PIPELINING\nDSN");
  driver.send(transaction);
  EXPECT_EQ(driver.said(),
            "MAIL FROM:<> RET=HDRS ENVID=a+20b\r\n"
            "RCPT TO:<b@c.example> NOTIFY=FAILURE ORCPT=rfc822;b+2Bx@c.example\r\n"
            "DATA\r\n");
  Driver without;
  without.greet("PIPELINING");
  without.send(transaction);
  EXPECT_EQ(without.said(), "MAIL FROM:<>\r\nRCPT TO:<b@c.example>\r\nDATA\r\n");
}

}  // namespace
}  // namespace ecrelay::smtp

#include <gmock/gmock.h>

#include "test_session.h"

namespace ecrelay::smtp {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

TEST(ServerDialogue, TakesAMailWhereverItIsCut) {
  const std::string dialogue = std::string(hello) + std::string(envelope) +
                               "RCPT TO:<c@customer.example>\r\nDATA\r\n"
                               "Subject: x\r\n\r\n..dot\r\n.\r\nNOOP\r\nQUIT\r\n";
  for_every_cut(dialogue, [](TestSession& session) {
    EXPECT_THAT(session.events,
                ElementsAre("hello", "mail", "rcpt", "rcpt", "data", "end", "quit"));
    EXPECT_EQ(session.body, "Subject: x\r\n\r\n.dot\r\n");
    EXPECT_EQ(session.ended->octets, session.body.size());
    EXPECT_EQ(session.ended->problem, BodyProblem::none);
    EXPECT_THAT(session.codes(), ElementsAre(250, 250, 250, 250, 354, 250, 250, 221));
    EXPECT_TRUE(session.protocol.closing());
    EXPECT_EQ(session.closed_for, "");
  });
}

TEST(ServerDialogue, OffersWhatItIsToldToOffer) {
  Capabilities capabilities = TestSession::offered();
  capabilities.size = 1000;
  TestSession full(capabilities);
  full.feed(hello);
  EXPECT_EQ(full.output,
            "250-relay.test\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n"
            "250-SMTPUTF8\r\n250-CHUNKING\r\n250-ENHANCEDSTATUSCODES\r\n250-STARTTLS\r\n"
            "250-AUTH PLAIN LOGIN\r\n250 DSN\r\n");
  Capabilities bare;
  bare.hostname = "relay.test";
  bare.size = 5;
  bare.pipelining = bare.smtputf8 = bare.chunking = false;
  TestSession least(bare);
  least.feed(hello);
  EXPECT_EQ(least.output,
            "250-relay.test\r\n250-SIZE 5\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n");
  least.output.clear();
  least.feed("HELO client.test\r\n");
  EXPECT_EQ(least.output, "250 relay.test\r\n");
}

TEST(ServerDialogue, RefusesWhatIsNotOffered) {
  Capabilities bare;
  bare.smtputf8 = bare.chunking = false;
  TestSession session(bare);
  session.feed(hello);
  session.output.clear();
  session.feed(
      "STARTTLS\r\nAUTH PLAIN\r\nMAIL FROM:<a@b.example> SMTPUTF8\r\n"
      "MAIL FROM:<a@b.example> RET=FULL\r\nMAIL FROM:<a@b.example> AUTH=<>\r\n");
  session.feed(std::string(envelope) + "BDAT 4 LAST\r\nNOOPNOOP\r\n");
  EXPECT_THAT(session.codes(), ElementsAre(502, 502, 555, 555, 555, 250, 250, 502, 250));
}

TEST(ServerDialogue, GivesTheNextCommandOnlyAfterTheAnswer) {
  ServerProtocol protocol(TestSession::offered());
  EXPECT_TRUE(protocol.awaits_answer());
  protocol.receive(hello);
  EXPECT_FALSE(protocol.next_event());  // the greeting comes first
  protocol.answer(Reply(220, "", "hi"));
  EXPECT_TRUE(std::holds_alternative<Hello>(*protocol.next_event()));
  protocol.receive(envelope);
  EXPECT_FALSE(protocol.next_event());
  protocol.answer(Reply(250, "", ""));
  EXPECT_TRUE(std::holds_alternative<MailFrom>(*protocol.next_event()));
  protocol.answer(Reply(250, "", ""));
  EXPECT_TRUE(std::holds_alternative<RcptTo>(*protocol.next_event()));
  protocol.answer(Reply(250, "", ""));
  EXPECT_FALSE(protocol.next_event());
  EXPECT_THROW(protocol.answer(Reply(250, "", "")), std::logic_error);
}

TEST(ServerDialogue, ClosesAfterABannerThatRefuses) {
  ServerProtocol protocol(TestSession::offered());
  protocol.answer(Reply(554, "5.7.1", "192.0.2.1 is not an authorized host"));
  EXPECT_EQ(protocol.take_output(), "554 5.7.1 192.0.2.1 is not an authorized host\r\n");
  EXPECT_TRUE(protocol.closing());
  protocol.receive(hello);
  EXPECT_FALSE(protocol.next_event());
}

TEST(ServerDialogue, ClosesAfterA421InsteadOfAnyAnswerOrAtAnyTime) {
  for (const char* where : {"hello", "mail", "rcpt", "data", "end"}) {
    TestSession session;
    session.refuse[where] = Reply(421, "4.3.2", "shutting down");
    session.feed(std::string(hello) + std::string(envelope) + "DATA\r\nhi\r\n.\r\nNOOP\r\n");
    EXPECT_THAT(session.output, EndsWith("421 4.3.2 shutting down\r\n")) << where;
    EXPECT_TRUE(session.protocol.closing());
  }
  TestSession session;
  session.feed(std::string(hello) + "MAIL FR");
  session.protocol.end(Reply(421, "4.4.2", "too slow"));
  session.feed("OM:<>\r\n");
  EXPECT_THAT(session.output, EndsWith("421 4.4.2 too slow\r\n"));
  EXPECT_TRUE(session.protocol.closing());
}

TEST(ServerDialogue, EndsNoCommandAtABareLineFeed) {
  TestSession session;
  session.feed(std::string(hello) + "MAIL FROM:<a@shop.example>\nRCPT TO:<b@c.example>\nDATA\n");
  EXPECT_THAT(session.codes(), ElementsAre(250));
  session.feed("\r\n");
  EXPECT_THAT(session.output, EndsWith("500 5.5.2 not a command\r\n"));
  for (const char* line : {"NOOP\r x\r\n", "NO\tOP\r\n", "NOOP \x7f\r\n", "NOOP \x1b[2J\r\n"}) {
    session.output.clear();
    session.feed(line);
    EXPECT_EQ(session.output, "500 5.5.2 not a command\r\n") << line;
  }
}

TEST(ServerDialogue, ChecksTheClientsName) {
  TestSession session;
  session.feed("EHLO\r\nEHLO a b\r\nHELO \xe3\x81\x82\r\nEHLO " + std::string(256, 'x') + "\r\n");
  EXPECT_THAT(session.codes(), ElementsAre(501, 501, 501, 501));
  session.feed("EHLO [192.0.2.1]\r\n");
  EXPECT_EQ(session.last_code(), 250);
}

TEST(ServerDialogue, EchoesNothingOfTheClients) {
  TestSession session;
  session.feed(
      "EHLO secret1.test\r\nsecret2\r\nMAIL FROM:<secret3>\r\nVRFY secret4\r\n"
      "MAIL FROM:<a@b.example> SECRET5=1\r\nHELP secret6\r\nAUTH SECRET7\r\n"
      "BDAT 1 secret8\r\n");
  EXPECT_THAT(session.output, testing::Not(HasSubstr("secret")));
  EXPECT_THAT(session.output, testing::Not(HasSubstr("SECRET")));
}

TEST(ServerEnvelope, ReadsWhatMailSays) {
  TestSession session;
  session.feed(std::string(hello) +
               "mail from: <a@shop.example>  size=123 BODY=8bitmime SMTPUTF8 RET=hdrs "
               "ENVID=QQ+2B314 AUTH=<>\r\n"
               "RCPT TO:<\"b> c\"@customer.example> NOTIFY=success,DELAY "
               "ORCPT=rfc822;b+2Bc@customer.example\r\n");
  ASSERT_TRUE(session.mail);
  EXPECT_EQ(session.mail->sender->text(), "a@shop.example");
  EXPECT_EQ(session.mail->size, 123U);
  EXPECT_EQ(session.mail->body, BodyType::eight_bit_mime);
  EXPECT_TRUE(session.mail->smtputf8);
  EXPECT_EQ(session.mail->ret, Ret::headers);
  EXPECT_EQ(session.mail->envid, "QQ+314");
  EXPECT_EQ(session.mail->auth, "<>");
  ASSERT_TRUE(session.rcpt);
  EXPECT_EQ(session.rcpt->original(), "\"b> c\"@customer.example");
  EXPECT_EQ(session.rcpt->notify, (Notify{.success = true, .delay = true}));
  EXPECT_EQ(session.rcpt->orcpt, "rfc822;b+c@customer.example");
}

TEST(ServerEnvelope, KnowsTheNullSender) {
  TestSession session;
  session.feed(std::string(hello) + "MAIL FROM:<>\r\nRCPT TO:<>\r\n");
  ASSERT_TRUE(session.mail);
  EXPECT_FALSE(session.mail->sender);
  EXPECT_THAT(session.output, HasSubstr("501 5.1.3 "));
}

struct Refusal {
  std::string line;
  std::string reply;
};

TEST(ServerEnvelope, RefusesBadSendersAndParameters) {
  const std::string mail = "MAIL FROM:<a@shop.example>";
  for (const Refusal& bad :
       std::vector<Refusal>{{"MAIL", "501 5.5.4"},
                            {"MAIL FROM", "501 5.5.4"},
                            {"MAIL FROM:a@shop.example", "501 5.5.4"},
                            {"MAIL FROM:<a@shop.example", "501 5.5.4"},
                            {"MAIL FROM:<\"a@shop.example>", "501 5.5.4"},
                            {"MAIL FROM:<a@shop.example>SIZE=1", "501 5.5.4"},
                            {"MAIL TO:<a@shop.example>", "501 5.5.4"},
                            {"MAIL FROM:<@x.example:a@shop.example>", "501 5.1.7"},
                            {"MAIL FROM:<a b@shop.example>", "501 5.1.7"},
                            {"MAIL FROM:<a@b@shop.example>", "501 5.1.7"},
                            {"MAIL FROM:<\xe3\x81\x82@shop.example>", "553 5.6.7"},
                            {"MAIL FROM:<\xe3\x81@shop.example> SMTPUTF8", "501 5.1.7"},
                            {"MAIL FROM:<a\xe2\x80\xae@shop.example> SMTPUTF8", "501 5.1.7"},
                            {mail + " SIZE", "501 5.5.4"},
                            {mail + " SIZE=", "501 5.5.4"},
                            {mail + " SIZE=-1", "501 5.5.4"},
                            {mail + " SIZE=1 SIZE=1", "501 5.5.4"},
                            {mail + " SIZE=99999999999999999999", "552 5.3.4"},
                            {mail + " SIZE=26214401", "552 5.3.4"},
                            {mail + " BODY=BINARYMIME", "501 5.5.4"},
                            {mail + " BODY", "501 5.5.4"},
                            {mail + " SMTPUTF8=1", "501 5.5.4"},
                            {mail + " RET=ALL", "501 5.5.4"},
                            {mail + " ENVID=a+0Ab", "501 5.5.4"},
                            {mail + " ENVID=a+00", "501 5.5.4"},
                            {mail + " ENVID=a+4", "501 5.5.4"},
                            {mail + " ENVID=a+zz", "501 5.5.4"},
                            {mail + " ENVID=" + std::string(101, 'x'), "501 5.5.4"},
                            {mail + " AUTH=a+0D", "501 5.5.4"},
                            {mail + " FOO=1", "555 5.5.4"},
                            {mail + " =1", "555 5.5.4"}}) {
    TestSession session;
    session.feed(hello);
    session.output.clear();
    session.feed(bad.line + "\r\nRSET\r\n");
    EXPECT_EQ(session.output.substr(0, 9), bad.reply) << bad.line;
    EXPECT_THAT(session.events, ElementsAre("hello", "reset"));
  }
}

TEST(ServerEnvelope, RefusesBadRecipients) {
  const std::string rcpt = "RCPT TO:<b@customer.example>";
  for (const Refusal& bad :
       std::vector<Refusal>{{"RCPT", "501 5.5.4"},
                            {"RCPT FROM:<b@customer.example>", "501 5.5.4"},
                            {"RCPT TO:<@x.example,@y.example:b@customer.example>", "501 5.1.3"},
                            {"RCPT TO:<b>", "501 5.1.3"},
                            {"RCPT TO:<b@>", "501 5.1.3"},
                            {"RCPT TO:<b@customer>", "501 5.1.3"},
                            {"RCPT TO:<b@[127.0.0.1]>", "501 5.1.3"},
                            {"RCPT TO:<\xe3\x81\x82@customer.example>", "553 5.6.7"},
                            {rcpt + " NOTIFY=NEVER,DELAY", "501 5.5.4"},
                            {rcpt + " NOTIFY=DELAY,NEVER", "501 5.5.4"},
                            {rcpt + " NOTIFY=DELAY,DELAY", "501 5.5.4"},
                            {rcpt + " NOTIFY=", "501 5.5.4"},
                            {rcpt + " ORCPT=b@customer.example", "501 5.5.4"},
                            {rcpt + " ORCPT=;b@customer.example", "501 5.5.4"},
                            {rcpt + " ORCPT=rfc822;b+0D+0A", "501 5.5.4"},
                            {rcpt + " ORCPT=rfc822;+FF", "501 5.5.4"},
                            {rcpt + " ORCPT=rfc822;" + std::string(494, 'x'), "501 5.5.4"},
                            {rcpt + " SIZE=1", "555 5.5.4"}}) {
    TestSession session;
    session.feed(std::string(hello) + "MAIL FROM:<a@shop.example>\r\n");
    session.output.clear();
    session.feed(bad.line + "\r\nDATA\r\n");
    EXPECT_EQ(session.output.substr(0, 9), bad.reply) << bad.line;
    EXPECT_EQ(session.last_code(), 503);
  }
}

TEST(ServerEnvelope, TakesUtf8OnlyInATransactionThatAskedForIt) {
  TestSession session;
  session.feed(std::string(hello) +
               "MAIL FROM:<\xe3\x81\x82@shop.example> SMTPUTF8\r\n"
               "RCPT TO:<\xe3\x81\x84@customer.example>\r\nRSET\r\n"
               "MAIL FROM:<a@shop.example>\r\nRCPT TO:<\xe3\x81\x84@customer.example>\r\n");
  EXPECT_THAT(session.codes(), ElementsAre(250, 250, 250, 250, 250, 553));
}

TEST(ServerEnvelope, TakesCarrierAddresses) {
  TestSession session;
  session.feed(std::string(hello) +
               "MAIL FROM:<a@shop.example>\r\n"
               "RCPT TO:<a..b@docomo.ne.jp>\r\nRCPT TO:<.ab.@ezweb.ne.jp>\r\n"
               "RCPT TO:<\"a..b\"@docomo.ne.jp>\r\n");
  EXPECT_THAT(session.codes(), ElementsAre(250, 250, 250, 250, 250));
}

}  // namespace
}  // namespace ecrelay::smtp

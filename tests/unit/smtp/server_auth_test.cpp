#include <gmock/gmock.h>

#include "core/base64.h"
#include "test_session.h"

namespace ecrelay::smtp {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

const std::string plain = base64_encode("\0shop-a\0secret"s);
const std::string user = base64_encode("shop-a");
const std::string password = base64_encode("secret");

TEST(ServerAuth, ReadsAllDialoguesWhereverTheyAreCut) {
  for (const std::string& dialogue :
       {"AUTH PLAIN " + plain + "\r\n", "auth plain\r\n" + plain + "\r\n",
        "AUTH LOGIN\r\n" + user + "\r\n" + password + "\r\n",
        "AUTH LOGIN " + user + "\r\n" + password + "\r\n",
        "AUTH PLAIN " + base64_encode("shop-a\0shop-a\0secret"s) + "\r\n"}) {
    for_every_cut(std::string(hello) + dialogue + "NOOP\r\n", [&](TestSession& session) {
      ASSERT_TRUE(session.auth) << dialogue;
      EXPECT_EQ(session.auth->user, "shop-a");
      EXPECT_EQ(session.auth->password.reveal(), "secret");
      EXPECT_THAT(session.output, EndsWith("235 auth ok\r\n250 2.0.0 ok\r\n"));
    });
  }
}

TEST(ServerAuth, PromptsAsClientsExpect) {
  TestSession session;
  session.feed(hello);
  session.output.clear();
  session.feed("AUTH PLAIN\r\n*\r\nAUTH LOGIN\r\n" + user + "\r\n*\r\nNOOP\r\n");
  EXPECT_EQ(session.output,
            "334 \r\n501 5.7.0 authentication cancelled\r\n334 VXNlcm5hbWU6\r\n"
            "334 UGFzc3dvcmQ6\r\n501 5.7.0 authentication cancelled\r\n250 2.0.0 ok\r\n");
  EXPECT_FALSE(session.auth);
}

TEST(ServerAuth, RefusesMalformedDialogues) {
  for (const std::string& line :
       {"AUTH"s, "AUTH PLAIN ="s, "AUTH PLAIN !!!!"s, "AUTH PLAIN " + base64_encode("secret"),
        "AUTH PLAIN " + base64_encode("\0a\0b\0c"s), "AUTH PLAIN " + base64_encode("\0a\nb\0c"s),
        "AUTH LOGIN " + base64_encode("a\xff"), "AUTH LOGIN " + base64_encode("a\r\nb"),
        "AUTH LOGIN " + user + "\r\n" + base64_encode("secret\0x"s)}) {
    TestSession session;
    session.feed(std::string(hello) + line + "\r\n");
    EXPECT_EQ(session.last_code(), 501) << line;
    EXPECT_FALSE(session.auth);
    session.feed("NOOP\r\n");
    EXPECT_EQ(session.last_code(), 250);
  }
}

TEST(ServerAuth, LetsNobodyActForAnother) {
  TestSession session;
  session.feed(std::string(hello) + "AUTH PLAIN " + base64_encode("boss\0shop-a\0secret"s) +
               "\r\n");
  EXPECT_EQ(session.last_code(), 535);
  EXPECT_FALSE(session.auth);
}

TEST(ServerAuth, IsOfferedOnceOutsideATransactionAndAfterEhlo) {
  TestSession session;
  session.feed("HELO client.test\r\nAUTH PLAIN " + plain + "\r\n");
  EXPECT_EQ(session.last_code(), 503);
  session.feed(std::string(hello) + "AUTH CRAM-MD5\r\n");
  EXPECT_THAT(session.output, EndsWith("504 5.5.4 mechanism not offered\r\n"));
  session.feed("AUTH PLAIN " + plain + "\r\nAUTH PLAIN " + plain + "\r\n");
  EXPECT_THAT(session.output, EndsWith("503 5.5.1 AUTH is out of order\r\n"));
}

TEST(ServerAuth, AsksForTlsWhereItComesBeforeLogin) {
  Capabilities clear = TestSession::offered();
  clear.auth.clear();
  TestSession session(clear);
  session.feed(std::string(hello) + "AUTH PLAIN " + plain + "\r\n");
  EXPECT_THAT(session.output, EndsWith("530 5.7.0 STARTTLS first\r\n"));
}

TEST(ServerAuth, ClosesAfterFiveFailedLogins) {
  TestSession session;
  session.refuse["auth"] = Reply(535, "5.7.8", "wrong");
  session.feed(hello);
  for (int i = 0; i < 6; ++i) session.feed("AUTH PLAIN " + plain + "\r\n");
  EXPECT_THAT(session.codes(), ElementsAre(250, 535, 535, 535, 535, 535));
  EXPECT_EQ(session.closed_for, "too many failed logins");
}

TEST(StartTls, ForgetsAllThatWasSaid) {
  TestSession session;
  session.feed(std::string(hello) + "AUTH PLAIN " + plain + "\r\n");
  session.feed("STARTTLS\r\n");
  EXPECT_EQ(session.last_code(), 220);
  EXPECT_TRUE(session.protocol.awaits_tls());
  Capabilities inside = TestSession::offered();
  inside.starttls = false;
  session.protocol.tls_started(inside);
  session.output.clear();
  session.feed("MAIL FROM:<a@shop.example>\r\nAUTH PLAIN " + plain + "\r\n");
  EXPECT_THAT(session.codes(), ElementsAre(503, 503));
  session.output.clear();
  session.feed(hello);
  EXPECT_THAT(session.output, testing::Not(HasSubstr("STARTTLS")));
  session.feed("AUTH PLAIN " + plain + "\r\nSTARTTLS\r\n");
  EXPECT_THAT(session.codes(), ElementsAre(250, 235, 502));
}

TEST(StartTls, EndsTheSessionWhenPlaintextFollowsIt) {
  for (const std::string& behind : {"EHLO x\r\n"s, "\r\n"s, "\x16"s, std::string(1, '\0')}) {
    TestSession together;
    together.feed(std::string(hello) + "STARTTLS\r\n" + behind);
    EXPECT_EQ(together.closed_for, "plaintext behind STARTTLS");
    EXPECT_THAT(together.codes(), ElementsAre(250));

    TestSession while_asked;
    while_asked.feed(hello);
    while_asked.protocol.receive("STARTTLS\r\n");
    ASSERT_TRUE(std::holds_alternative<StartTls>(*while_asked.protocol.next_event()));
    while_asked.protocol.receive(behind);
    while_asked.protocol.answer(Reply(220, "", "go"));
    while_asked.drain();
    EXPECT_EQ(while_asked.closed_for, "plaintext behind STARTTLS");
    EXPECT_THAT(while_asked.codes(), ElementsAre(250));

    TestSession afterwards;
    afterwards.feed(std::string(hello) + "STARTTLS\r\n");
    afterwards.feed(behind);
    EXPECT_EQ(afterwards.closed_for, "plaintext behind STARTTLS");
    EXPECT_THROW(afterwards.protocol.tls_started(TestSession::offered()), std::logic_error);
  }
}

TEST(StartTls, GoesOnInClearWhenTheSessionRefuses) {
  TestSession session;
  session.refuse["starttls"] = Reply(454, "4.7.0", "not now");
  session.feed(std::string(hello) + "STARTTLS\r\n");
  session.feed(envelope);
  EXPECT_THAT(session.codes(), ElementsAre(250, 454, 250, 250));
}

}  // namespace
}  // namespace ecrelay::smtp

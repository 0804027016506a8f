#include "policy/verdict.h"

#include <gtest/gtest.h>

namespace ecrelay::policy {
namespace {

using smtp::Origin;
using smtp::RecipientResult;
using smtp::Reply;
using smtp::Stage;

constexpr auto every_stage = {Stage::connect, Stage::greeting, Stage::hello, Stage::starttls,
                              Stage::auth,    Stage::mail,     Stage::rcpt,  Stage::data,
                              Stage::dot,     Stage::quit};
constexpr auto before_rcpt = {Stage::connect,  Stage::greeting, Stage::hello,
                              Stage::starttls, Stage::auth,     Stage::mail};

/// "550 5.1.1 User unknown" as the parser would hand it over.
Reply reply(const std::string& line) {
  const int code = std::stoi(line.substr(0, 3));
  const std::string rest = line.size() > 4 ? line.substr(4) : "";
  const auto word = rest.substr(0, rest.find(' '));
  const bool enhanced = std::count(word.begin(), word.end(), '.') == 2 && word.front() <= '9';
  if (!enhanced) return {code, "", rest};
  return {code, word, word.size() < rest.size() ? rest.substr(word.size() + 1) : ""};
}

TEST(Verdict, OnlyA2yzAtTheDotIsSent) {
  for (const Stage stage : every_stage) {
    for (const auto* line : {"250 2.0.0 ok", "200 ok", "251 2.1.5 will forward", "299 x"}) {
      const Verdict verdict = verdict_of(stage, reply(line));
      EXPECT_EQ(verdict.outcome, stage == Stage::dot ? Outcome::sent : Outcome::deferred)
          << to_text(stage) << " " << line;
    }
  }
}

TEST(Verdict, A4yzNeverFailsAtAnyStageWhateverItsText) {
  for (const Stage stage : every_stage) {
    for (int code = 400; code < 500; ++code) {
      for (const auto* text : {"", "User unknown", "5.1.1 no such user", "message size exceeds"}) {
        EXPECT_EQ(verdict_of(stage, Reply(code, "5.1.1", text)).outcome, Outcome::deferred)
            << to_text(stage) << code << text;
      }
    }
  }
}

TEST(Verdict, NothingBeforeRcptFailsAMessage) {
  for (const Stage stage : before_rcpt) {
    for (int code = 500; code < 600; ++code) {
      for (const auto* text : {"", "User unknown", "Relaying denied", "spam", "quota exceeded"}) {
        const Verdict verdict = verdict_of(stage, Reply(code, "", text));
        EXPECT_EQ(verdict.outcome, Outcome::deferred) << to_text(stage) << code << text;
        EXPECT_NE(verdict.about, About::recipient) << to_text(stage) << code << text;
      }
    }
  }
}

TEST(Verdict, TroubleBeforeMailIsCountedAgainstTheServer) {
  for (const Stage stage :
       {Stage::connect, Stage::greeting, Stage::hello, Stage::starttls, Stage::auth}) {
    for (const auto* line : {"421 4.3.2 closing", "454 4.7.0 TLS not available", "535 5.7.8 wrong",
                             "554 no service", "521 5.3.2 does not accept mail"}) {
      EXPECT_TRUE(verdict_of(stage, reply(line)).stop_server) << to_text(stage) << line;
    }
  }
}

TEST(Verdict, A421StopsTheServerAtEveryStage) {
  for (const Stage stage : every_stage) {
    EXPECT_TRUE(verdict_of(stage, reply("421 4.3.2 try later")).stop_server) << to_text(stage);
  }
}

TEST(Verdict, OneRecipientCannotStopTheServerForAll) {
  for (const Stage stage : {Stage::rcpt, Stage::data, Stage::dot}) {
    for (const auto* line :
         {"550 5.7.1 RESOLVER.RST.AuthRequired; authentication required", "550 5.1.1 User unknown",
          "554 5.7.1 <a@b.example>: Relay access denied", "500 what?", "552 Too many recipients",
          "451 4.3.0 try again", "550 5.7.1 blocked"}) {
      EXPECT_FALSE(verdict_of(stage, reply(line)).stop_server) << to_text(stage) << line;
    }
  }
  EXPECT_TRUE(verdict_of(Stage::rcpt, reply("530 5.7.0 Authentication required")).stop_server);
}

struct Row {
  Stage stage;
  const char* line;
  Outcome outcome;
  About about;
  const char* reason;
};

class VerdictTable : public testing::TestWithParam<Row> {};

TEST_P(VerdictTable, SaysWhatTheReplyMeans) {
  const Row& row = GetParam();
  const Verdict verdict = verdict_of(row.stage, reply(row.line));
  EXPECT_EQ(verdict.outcome, row.outcome) << row.line << " -> " << verdict.reason;
  EXPECT_EQ(to_text(verdict.about), to_text(row.about)) << row.line << " -> " << verdict.reason;
  EXPECT_EQ(verdict.reason, row.reason) << row.line;
  EXPECT_FALSE(verdict.in_doubt && row.stage != Stage::dot);
}

constexpr auto failed = Outcome::failed;
constexpr auto deferred = Outcome::deferred;

INSTANTIATE_TEST_SUITE_P(
    AtMail, VerdictTable,
    testing::Values(
        // RFC 1870: declared too large; the one thing at MAIL that is about the message
        Row{Stage::mail, "552 5.3.4 Message size exceeds fixed limit", failed, About::message,
            "too_large"},
        Row{Stage::mail, "552 Message size exceeds fixed maximum message size: 5242880 bytes",
            failed, About::message, "too_large"},
        Row{Stage::mail, "552 5.2.3 too much", failed, About::message, "too_large"},
        Row{Stage::mail, "552 quota of this account exceeded", deferred, About::us, "sender"},
        Row{Stage::mail, "552 5.2.2 sending quota", deferred, About::us, "sender"},
        Row{Stage::mail, "550 5.6.7 no UTF-8 here", deferred, About::us, "sender"},
        Row{Stage::mail, "550 5.1.8 domain does not exist", deferred, About::us, "sender"},
        Row{Stage::mail, "553 shop-a.example does not exist", deferred, About::us, "sender"},
        Row{Stage::mail, "554 Message rejected: Email address is not verified.", deferred,
            About::us, "sender"},
        Row{Stage::mail, "530 5.7.0 Must issue a STARTTLS command first", deferred, About::us,
            "login"},
        Row{Stage::mail, "452 4.3.1 Insufficient system storage", deferred, About::upstream,
            "temporary"}));

INSTANTIATE_TEST_SUITE_P(
    AtRcpt, VerdictTable,
    testing::Values(
        Row{Stage::rcpt, "550 5.1.1 User unknown", failed, About::recipient, "unknown_user"},
        Row{Stage::rcpt, "550 <a@docomo.ne.jp>: User unknown", failed, About::recipient,
            "unknown_user"},
        Row{Stage::rcpt, "550 5.2.2 Mailbox full", failed, About::recipient, "mailbox_full"},
        Row{Stage::rcpt, "550 5.2.1 The account is disabled", failed, About::recipient, "refused"},
        Row{Stage::rcpt, "501 5.1.3 Bad recipient address syntax", failed, About::recipient,
            "refused"},
        Row{Stage::rcpt, "556 5.1.10 Domain takes no mail", failed, About::recipient, "refused"},
        Row{Stage::rcpt, "550", failed, About::recipient, "refused"},
        Row{Stage::rcpt, "552 5.3.4 Message too big", failed, About::message, "too_large"},
        Row{Stage::rcpt, "554 5.7.1 blocked using zen.spamhaus.org", failed, About::us,
            "reputation"},
        // what servers that delay their checks say at RCPT about us
        Row{Stage::rcpt, "554 5.7.1 <a@b.example>: Relay access denied", deferred, About::us,
            "relay"},
        Row{Stage::rcpt, "550 5.7.1 Unable to relay", deferred, About::us, "relay"},
        Row{Stage::rcpt, "554 5.7.1 <x[192.0.2.1]>: Client host rejected: Access denied", deferred,
            About::us, "relay"},
        Row{Stage::rcpt, "450 4.1.8 <s@x>: Sender address rejected: Domain not found", deferred,
            About::us, "sender"},
        Row{Stage::rcpt, "550 5.1.8 <s@x>: Sender address rejected: Domain not found", deferred,
            About::us, "sender"},
        Row{Stage::rcpt, "550 Sender verify failed", deferred, About::us, "sender"},
        Row{Stage::rcpt, "530 5.7.0 Authentication required", deferred, About::us, "login"},
        Row{Stage::rcpt, "550 5.7.1 authentication required", deferred, About::us, "login"},
        // rates, and replies that contradict themselves
        Row{Stage::rcpt, "452 4.5.3 Too many recipients", deferred, About::rate, "rate"},
        Row{Stage::rcpt, "552 Too many recipients", deferred, About::rate, "rate"},
        Row{Stage::rcpt,
            "550 5.2.1 The user you are trying to contact is receiving mail too quickly", deferred,
            About::rate, "rate"},
        Row{Stage::rcpt, "450 4.2.1 receiving mail at a rate that", deferred, About::rate, "rate"},
        Row{Stage::rcpt, "550 4.2.0 later", deferred, About::upstream, "contradiction"},
        Row{Stage::rcpt, "550 5.7.1 User temporary locked. Please try again later!", deferred,
            About::upstream, "contradiction"},
        Row{Stage::rcpt, "550 come back in 00:05:00", deferred, About::upstream, "contradiction"},
        Row{Stage::rcpt, "452 4.2.2 over quota", deferred, About::recipient, "mailbox_full"},
        Row{Stage::rcpt, "450 4.7.1 Greylisted", deferred, About::recipient, "temporary"},
        // not SMTP
        Row{Stage::rcpt, "500 5.5.1 unrecognized command", deferred, About::upstream, "protocol"},
        Row{Stage::rcpt, "502 not implemented", deferred, About::upstream, "protocol"},
        Row{Stage::rcpt, "503 5.5.1 need MAIL", deferred, About::upstream, "protocol"},
        Row{Stage::rcpt, "501 5.5.4 syntax", deferred, About::upstream, "protocol"},
        Row{Stage::rcpt, "354 go ahead", deferred, About::upstream, "protocol"}));

INSTANTIATE_TEST_SUITE_P(
    AtDataAndDot, VerdictTable,
    testing::Values(
        Row{Stage::data, "554 5.5.1 no valid recipients", failed, About::message, "refused"},
        Row{Stage::data, "503 5.5.1 need RCPT", deferred, About::upstream, "protocol"},
        Row{Stage::data, "250 ok", deferred, About::upstream, "protocol"},
        Row{Stage::data, "451 4.3.0 error", deferred, About::upstream, "temporary"},
        Row{Stage::dot, "250 2.0.0 queued", Outcome::sent, About::nobody, "sent"},
        Row{Stage::dot, "550 5.1.1 User unknown", failed, About::recipient, "unknown_user"},
        Row{Stage::dot, "552 5.3.4 too big", failed, About::message, "too_large"},
        Row{Stage::dot, "554 5.7.1 Message rejected as spam", failed, About::message, "content"},
        Row{Stage::dot, "550 5.7.26 DMARC failed", failed, About::us, "reputation"},
        Row{Stage::dot, "500 Line too long", failed, About::message, "line_too_long"},
        Row{Stage::dot, "500 what?", deferred, About::upstream, "protocol"},
        Row{Stage::dot, "554 anything", failed, About::message, "refused"},
        Row{Stage::dot, "354 go ahead", deferred, About::upstream, "protocol"},
        Row{Stage::dot, "451 4.3.0 try again", deferred, About::upstream, "temporary"},
        Row{Stage::dot, "554 5.7.0 relaying denied", failed, About::message, "refused"}));

TEST(Verdict, GarbageIsNeverPermanentAtAnyStage) {
  for (const Stage stage : every_stage) {
    for (const int code : {0, 1, 99, 100, 199, 300, 354, 600, 999, -550}) {
      const Verdict verdict = verdict_of(stage, Reply(code, "5.1.1", "User unknown"));
      EXPECT_EQ(verdict.outcome, Outcome::deferred) << to_text(stage) << code;
    }
  }
}

TEST(Verdict, GarbageAfterTheDotIsInDoubtAndARealReplyIsNot) {
  EXPECT_TRUE(verdict_of(Stage::dot, Reply(354, "", "")).in_doubt);
  EXPECT_FALSE(verdict_of(Stage::rcpt, Reply(354, "", "")).in_doubt);
  EXPECT_FALSE(verdict_of(Stage::dot, reply("451 4.3.0 no")).in_doubt);
  EXPECT_FALSE(verdict_of(Stage::dot, reply("554 5.0.0 no")).in_doubt);
}

RecipientResult result(Stage stage, Origin origin, const Reply& given) {
  RecipientResult made;
  made.stage = stage;
  made.origin = origin;
  made.reply = given;
  return made;
}

TEST(VerdictOfResult, ALostConnectionIsNeverPermanentAndInDoubtAfterTheDot) {
  for (const Stage stage : every_stage) {
    // The machine makes 4xx for trouble; even a wrong 5xx must not fail anything.
    for (const auto* line : {"451 4.4.2 connection lost", "550 5.1.1 User unknown"}) {
      const Verdict verdict = verdict_of(result(stage, Origin::trouble, reply(line)));
      EXPECT_EQ(verdict.outcome, Outcome::deferred) << to_text(stage);
      EXPECT_EQ(verdict.in_doubt, stage == Stage::dot) << to_text(stage);
    }
  }
  EXPECT_TRUE(verdict_of(result(Stage::hello, Origin::trouble, reply("451 lost"))).stop_server);
}

TEST(VerdictOfResult, WhatTheMachineCannotWriteToThisServerFails) {
  EXPECT_EQ(verdict_of(result(Stage::mail, Origin::local, reply("553 5.6.7 no SMTPUTF8"))).outcome,
            Outcome::failed);
  EXPECT_EQ(verdict_of(result(Stage::rcpt, Origin::local, reply("501 5.1.3 address"))).outcome,
            Outcome::failed);
}

TEST(VerdictOfResult, AReplyOfThePeerMeansWhatItMeans) {
  EXPECT_EQ(verdict_of(result(Stage::dot, Origin::peer, reply("250 ok"))).outcome, Outcome::sent);
  EXPECT_EQ(verdict_of(result(Stage::mail, Origin::peer, reply("550 no"))).outcome,
            Outcome::deferred);
}

}  // namespace
}  // namespace ecrelay::policy

#include "policy/suppression_rule.h"

#include <gtest/gtest.h>

namespace ecrelay::policy {
namespace {

using smtp::Reply;
using smtp::Stage;

struct Row {
  int code;
  const char* enhanced;
  const char* text;
  const char* recipient;
  int row;  // of the decision table
  const char* server = "";
};

Suppression decide(const Row& row, Stage stage = Stage::rcpt) {
  return suppression_for(
      {stage, Reply(row.code, row.enhanced, row.text), row.recipient, row.server});
}

// --- must: a dead address, said at RCPT ---------------------------------------------------

class Dead : public testing::TestWithParam<Row> {};

TEST_P(Dead, IsSuppressedWithItsReason) {
  const Suppression decision = decide(GetParam());
  EXPECT_TRUE(decision.suppresses()) << GetParam().text << " -> " << decision.reason;
  EXPECT_EQ(decision.row, GetParam().row);
  EXPECT_EQ(decision.reason, "hard");
}

TEST_P(Dead, HasNoEffectAtAnyOtherStageOrAs4yz) {
  for (const Stage stage : {Stage::connect, Stage::greeting, Stage::hello, Stage::starttls,
                            Stage::auth, Stage::mail, Stage::data, Stage::dot, Stage::quit}) {
    EXPECT_FALSE(decide(GetParam(), stage).suppresses()) << to_text(stage);
  }
  Row later = GetParam();
  later.code -= 100;
  EXPECT_FALSE(decide(later).suppresses());
  later.code = 250;
  EXPECT_FALSE(decide(later).suppresses());
}

INSTANTIATE_TEST_SUITE_P(
    Table, Dead,
    testing::Values(
        // carriers
        Row{550, "", "Unknown user nobody@docomo.ne.jp", "nobody@docomo.ne.jp", 16},
        Row{550, "5.1.1", "Unknown user nobody@docomo.ne.jp", "nobody@docomo.ne.jp", 16},
        Row{550, "", "<nobody@ezweb.ne.jp>: User unknown", "nobody@ezweb.ne.jp", 16},
        Row{550, "", "<nobody@au.com>: User unknown", "nobody@au.com", 16},
        Row{550, "", "<nobody@uqmobile.jp>: User unknown", "nobody@uqmobile.jp", 16},
        Row{550, "", "Invalid recipient: <nobody@i.softbank.jp>", "nobody@i.softbank.jp", 16},
        Row{550, "", "Invalid recipient: <nobody@jcom.home.ne.jp>", "nobody@jcom.home.ne.jp", 16},
        Row{550, "5.0.0", "<nobody@mineo.jp>... User unknown", "nobody@mineo.jp", 16},
        // Gmail, Microsoft, Yahoo, Apple, France
        Row{550, "5.1.1",
            "The email account that you tried to reach does not exist. Please try\ndouble-checking "
            "the recipient's email address for typos or\nunnecessary spaces. Learn more at\n"
            "https://support.google.com/mail/?p=NoSuchUser a1-gsmtp",
            "nobody@gmail.com", 16},
        Row{550, "5.1.10",
            "RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
            "n@x.example", 16},
        Row{550, "5.1.351", "Remote server returned unknown recipient", "n@x.example", 16},
        Row{550, "5.4.1",
            "Recipient address rejected: Access denied. AS(201806281) "
            "[SN1NAM02FT0044.eop-nam02.prod.protection.outlook.com]",
            "n@x.example", 15},
        Row{550, "5.4.1", "Recipient address rejected: Access denied.", "n@x.example", 15,
            "x-example.mail.protection.outlook.com"},
        Row{554, "",
            "delivery error: dd This user doesn't have a yahoo.com account (n@yahoo.com) [0]",
            "n@yahoo.com", 16},
        Row{550, "5.1.1", "<n@icloud.com>: inactive email address", "n@icloud.com", 16},
        Row{550, "5.5.0", "Adresse destinataire invalide. Invalid recipient. LPN007_416",
            "n@laposte.net", 16},
        // words and codes of everybody
        Row{550, "5.2.1", "<n@x.example>... User Unknown", "n@x.example", 16},
        Row{550, "5.1.6", "recipient no longer on server: n@x.example", "n@x.example", 16},
        Row{551, "", "not our customer", "n@x.example", 16},
        Row{553, "5.3.0", "<n@x.example>... No such user here", "n@x.example", 16},
        Row{501, "5.1.3", "Bad destination mailbox address syntax", "n@x.example", 16},
        Row{550, "", "No such user", "n@x.example", 16},
        // an address may hold any word
        Row{550, "5.1.1", "<spam-blocked-quota@x.example>: User unknown",
            "spam-blocked-quota@x.example", 16},
        // the upstream repeats what the world said
        Row{550, "5.0.0", "mx.x.example said: 550 5.1.1 <n@x.example> unknown", "n@x.example",
            16}));

// --- never: everything that is not about a dead address -----------------------------------

class Alive : public testing::TestWithParam<Row> {};

TEST_P(Alive, IsNotSuppressed) {
  const Suppression decision = decide(GetParam());
  EXPECT_FALSE(decision.suppresses()) << GetParam().text;
  EXPECT_EQ(decision.row, GetParam().row) << GetParam().text << " -> " << decision.reason;
}

INSTANTIATE_TEST_SUITE_P(
    Row06Temporary, Alive,
    testing::Values(Row{450, "4.1.1", "User unknown in virtual alias table", "n@x.example", 6},
                    Row{451, "5.1.1", "User unknown", "n@x.example", 6},
                    Row{550, "4.1.1", "User unknown", "n@x.example", 6},
                    Row{550, "5.1.1", "User unknown (temporarily)", "n@x.example", 6}));

INSTANTIATE_TEST_SUITE_P(
    Row08Sender, Alive,
    testing::Values(
        Row{550, "5.1.8", "Sender address rejected: User unknown", "n@x.example", 8},
        Row{550, "5.1.7", "invalid", "n@x.example", 8},
        // Exim's callout quotes a reply about *our* sender
        Row{550, "",
            "Verification failed for <s@shop-a.example>\nCalled: 192.0.2.1\nSent: RCPT TO:"
            "<s@shop-a.example>\nResponse: 550 5.1.1 User unknown\nSender verify failed",
            "n@x.example", 8},
        Row{550, "5.1.0", "<s@shop-a.example> sender rejected. Refer to Error Codes",
            "n@cox.example", 8},
        Row{550, "5.1.1", "Unknown sender", "n@x.example", 8}));

INSTANTIATE_TEST_SUITE_P(
    Row09Reputation, Alive,
    testing::Values(
        Row{550, "5.7.1", "Our system has detected an unusual rate of unsolicited mail",
            "n@gmail.com", 9},
        Row{550, "5.7.26", "This mail has been blocked because the sender is unauthenticated",
            "n@gmail.com", 9},
        Row{550, "5.7.25", "Reverse DNS validation", "n@x.example", 9},
        Row{550, "5.7.606", "Access denied, banned sending IP [198.51.100.222]", "n@outlook.com",
            9},
        Row{550, "5.7.515", "Access denied", "n@outlook.com", 9},
        Row{554, "5.7.9", "Message not accepted for policy reasons", "n@yahoo.com", 9},
        Row{553, "5.7.2", "[TSS09] All messages from 192.0.2.1 will be permanently deferred",
            "n@yahoo.com", 9},
        Row{550, "5.1.1", "rejected: listed by Spamhaus, user unknown", "n@x.example", 9},
        Row{550, "", "SC-001 Unfortunately, messages from 192.0.2.1 weren't sent: block list",
            "n@hotmail.com", 9},
        Row{554, "", "<n@x.example>: Relay access denied", "n!x@ezweb.ne.jp", 9},
        Row{550, "5.7.1", "authentication required", "n@x.example", 9},
        Row{553, "5.7.1", "Invalid recipient n@x.example", "n@x.example", 14}));

INSTANTIATE_TEST_SUITE_P(
    Row10Rate, Alive,
    testing::Values(
        Row{550, "5.2.1", "The user you are trying to contact is receiving mail too quickly",
            "n@gmail.com", 10},
        Row{550, "5.2.1", "is receiving mail at a rate that prevents", "n@gmail.com", 10},
        Row{550, "5.1.1", "User unknown: hourly limit exceeded", "n@x.example", 10},
        Row{550, "5.1.1", "Too many invalid recipients", "n@x.example", 10},
        Row{552, "", "Too many recipients", "n@docomo.ne.jp", 10}));

INSTANTIATE_TEST_SUITE_P(
    Row11To13, Alive,
    testing::Values(
        Row{550, "5.6.0", "bad form", "n@x.example", 11},
        Row{554, "", "Message rejected: virus found", "n@x.example", 11},
        Row{552, "5.3.4", "no", "n@au.com", 12},
        Row{552, "", "Message size exceeds 3 MB", "n@au.com", 12},
        Row{552, "", "Too much mail data n@docomo.ne.jp", "n@docomo.ne.jp", 13},
        Row{552, "5.2.2", "user is over quota", "n@icloud.com", 13},
        Row{552, "5.2.2", "The email account that you tried to reach is over quota and inactive",
            "n@gmail.com", 13},
        Row{550, "5.1.1", "Mailbox full: no such user can be reached", "n@x.example", 13}));

INSTANTIATE_TEST_SUITE_P(
    Row14Carriers, Alive,
    testing::Values(Row{550, "", ": User unknown", "n@ezweb.ne.jp", 14},
                    Row{550, "5.2.0", "Unknown user n@docomo.ne.jp", "n@docomo.ne.jp", 14},
                    Row{550, "5.3.0", "Other mail system problem 'Unknown user n@docomo.ne.jp'",
                        "n@docomo.ne.jp", 14},
                    Row{550, "5.0.0", "Unknown user n@ntt.docomo.ne.jp", "n@ntt.docomo.ne.jp",
                        14}));

INSTANTIATE_TEST_SUITE_P(
    TheRest, Alive,
    testing::Values(
        Row{550, "5.2.0", "Message Filtered", "n@x.example", 22},
        Row{550, "5.1.1", "RCP-P2 Refused due to recipient preferences", "n@facebook.com", 22},
        Row{553, "5.1.3", "bad address syntax", "a..b@docomo.ne.jp", 16},
        Row{501, "5.1.3", "bad address syntax", "ab.@ezweb.ne.jp", 16},
        Row{553, "", "syntax", "\"a..b\"@docomo.ne.jp", 16},
        Row{550, "5.2.1", "The email account that you tried to reach is disabled", "n@gmail.com",
            19},
        Row{525, "5.7.13", "Disabled recipient address", "n@x.example", 19},
        Row{550, "5.4.1", "Recipient address rejected: Access denied.", "n@x.example", 22},
        Row{550, "5.1.1", "Internal error: mailbox database timed out", "n@x.example", 20},
        Row{550, "5.1.1", "temporary lookup failure", "n@x.example", 6},
        Row{550, "", "", "n@x.example", 23}, Row{550, "5.0.0", "no", "n@x.example", 23},
        Row{550, "", "Requested action not taken: mailbox unavailable", "n@x.example", 22},
        Row{553, "", "shop-a.example does not exist", "n@i.softbank.jp", 23},
        Row{550, "", "\xff\xfe\r\n", "n", 23}));

TEST(SuppressionRule, OddAddressesOfCarriersAreSuppressedWhenTheyAreUnknown) {
  EXPECT_TRUE(
      decide({550, "", "Unknown user a..b@docomo.ne.jp", "a..b@docomo.ne.jp", 16}).suppresses());
}

TEST(SuppressionRule, EndsInARowThatHasNoEffect) {
  const auto rows = suppression_rows();
  EXPECT_EQ(rows.back().row, 23);
  EXPECT_EQ(rows.back().effect, Effect::ignore);
  for (const auto& row : rows) {
    EXPECT_FALSE(row.source.empty());
    EXPECT_EQ(row.effect == Effect::suppress, row.reason == "hard" || row.reason == "domain")
        << row.reason;
  }
}

TEST(SuppressionRule, AnAddressNobodyKnowsInEveryWordingIsStillNotSuppressedWithAWarningSign) {
  // Any of these beside the plainest evidence must win.
  for (const auto* sign :
       {"sender address rejected", "blocked", "DMARC", "too many messages", "spam", "quota",
        "message size", "relaying denied", "try again later", "5.7.1", "4.2.0"}) {
    const std::string text = std::string("User unknown; ") + sign;
    EXPECT_FALSE(decide({550, "5.1.1", text.c_str(), "n@x.example", 0}).suppresses()) << sign;
  }
}

}  // namespace
}  // namespace ecrelay::policy

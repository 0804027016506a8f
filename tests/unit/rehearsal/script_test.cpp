#include "rehearsal/script.h"

#include <gtest/gtest.h>

namespace ecrelay::rehearsal {
namespace {

using namespace std::chrono_literals;
using smtp::Stage;

std::string line(const std::optional<Act>& act) { return act ? act->reply.line() : "nothing"; }

TEST(Script, LocalPartsPlayTheirPartAtRcpt) {
  Script script;
  EXPECT_EQ(line(script.at(Stage::rcpt, "permfail")), "550 5.1.1 User unknown");
  EXPECT_EQ(line(script.at(Stage::rcpt, "TempFail+12")), "451 4.3.0 Temporary trouble");
  EXPECT_EQ(line(script.at(Stage::rcpt, "full")), "552 5.2.2 Mailbox full");
  EXPECT_EQ(line(script.at(Stage::rcpt, "taro")), "nothing");
  EXPECT_EQ(line(script.at(Stage::dot, "permfail")), "nothing") << "its stage is RCPT";
}

TEST(Script, ALocalPartMayNameAnotherStage) {
  Script script;
  EXPECT_EQ(line(script.at(Stage::rcpt, "permfail-dot")), "nothing");
  EXPECT_EQ(line(script.at(Stage::dot, "permfail-dot")), "550 5.1.1 User unknown");
  ASSERT_TRUE(script.at(Stage::dot, "drop-dot"));
  EXPECT_EQ(script.at(Stage::dot, "drop-dot")->kind, Act::Kind::drop);
  EXPECT_EQ(script.at(Stage::data, "slow-30-data")->delay, 30s);
}

TEST(Script, AnyReplyCanBeAskedFor) {
  Script script;
  EXPECT_EQ(line(script.at(Stage::dot, "reply-554-5.7.1-dot")), "554 5.7.1 as the script has it");
  EXPECT_EQ(line(script.at(Stage::rcpt, "reply-450")), "450 as the script has it");
  EXPECT_EQ(line(script.at(Stage::rcpt, "reply-999")), "nothing");
}

TEST(Script, GreylistingRefusesAnAddressOnce) {
  Script script;
  EXPECT_EQ(script.at(Stage::rcpt, "greylist")->reply.code, 450);
  EXPECT_EQ(line(script.at(Stage::rcpt, "greylist")), "nothing");
}

TEST(Script, RulesGoBeforeLocalParts) {
  Script script;
  ASSERT_TRUE(script.add("rcpt:permfail=451 4.2.0 come back"));
  ASSERT_TRUE(script.add("mail=drop"));
  ASSERT_TRUE(script.add("dot=slow 3"));
  EXPECT_EQ(line(script.at(Stage::rcpt, "permfail")), "451 4.2.0 come back");
  EXPECT_EQ(script.at(Stage::mail)->kind, Act::Kind::drop);
  EXPECT_EQ(script.at(Stage::dot)->delay, 3s);
}

TEST(Script, ARuleThatCannotBeReadSaysHowToWriteOne) {
  Script script;
  for (const char* rule :
       {"", "rcpt", "rcpt=", "lunch=450 x", "rcpt=45 x", "rcpt=slow soon", "rcpt=drop now"}) {
    const auto added = script.add(rule);
    ASSERT_FALSE(added) << rule;
    EXPECT_NE(added.error().detail.find("STAGE[:LOCALPART]="), std::string::npos);
  }
}

}  // namespace
}  // namespace ecrelay::rehearsal

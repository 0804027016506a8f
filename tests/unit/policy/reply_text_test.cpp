#include "policy/reply_text.h"

#include <gtest/gtest.h>

namespace ecrelay::policy {
namespace {

TEST(Status, IsThreeNumbersAndNothingElse) {
  EXPECT_EQ(parse_status("5.1.1"), (Status{5, 1, 1}));
  EXPECT_EQ(parse_status("5.1.351"), (Status{5, 1, 351}));
  for (const auto* text : {"", "5", "5.1", "5.1.", "5.1.1.1", "5.1.x", "3.1.1", "5.1.1000",
                           " 5.1.1", "15.1.1", "5..1", "-5.1.1"}) {
    EXPECT_EQ(parse_status(text), std::nullopt) << text;
  }
}

TEST(ReplyText, FindsTheCodesInsideTheText) {
  const ReplyText text("5.0.0", "host said: 550 5.1.1 unknown (see 5.7.26).");
  EXPECT_TRUE(text.has({5, 0, 0}));
  EXPECT_TRUE(text.has({5, 1, 1}));
  EXPECT_TRUE(text.has({5, 7, any_detail}));
  EXPECT_FALSE(text.has({5, 6, any_detail}));
  EXPECT_FALSE(text.only_generic());
}

TEST(ReplyText, TakesNoAddressOrVersionForACode) {
  const ReplyText text("", "client 5.1.1.20 refused, v2.5.1.1");
  EXPECT_TRUE(text.only_generic());
  EXPECT_FALSE(text.has({5, 1, 1}));
  EXPECT_FALSE(text.has_class(2));
}

TEST(ReplyText, MatchesWholeWordsOnly) {
  const ReplyText text("", "The SPFX is unblocked");
  EXPECT_FALSE(text.contains("spf"));
  EXPECT_FALSE(text.contains("blocked"));
  EXPECT_TRUE(text.contains("unblocked"));
  EXPECT_TRUE(ReplyText("", "x (SPF) y").contains("spf"));
}

TEST(ReplyText, ReadsAcrossLinesAndBlanks) {
  EXPECT_TRUE(ReplyText("", "User\n \tUnknown").says(Topic::unknown_user));
}

TEST(ReplyText, TakesNoStatementFromANameOrLink) {
  EXPECT_FALSE(ReplyText("", "<spam@example.jp> refused").says(Topic::content));
  EXPECT_FALSE(ReplyText("", "see http://example.jp/blocked/quota").says(Topic::reputation));
  EXPECT_FALSE(ReplyText("", "see http://example.jp/blocked/quota").says(Topic::full));
  EXPECT_FALSE(ReplyText("", "<no such user@x> busy").has({5, 1, 1}));
}

TEST(ReplyText, ReadsABoundedPartOfAFlood) {
  const std::string flood(1 << 20, 'x');
  EXPECT_FALSE(ReplyText("", flood + " user unknown").says(Topic::unknown_user));
}

TEST(ReplyText, IsReadHoweverItsLettersAreSpelt) {
  for (const char* text : {"Boîte inconnue", "BOITE INCONNUE", "boite  inconnue", "BOÎTE\nInconnue",
                           "Bo\xC3\xAEte\xC2\xA0inconnue"})
    EXPECT_TRUE(ReplyText("", text).says(Topic::unknown_user)) << text;
  EXPECT_TRUE(ReplyText("", "НЕТ ТАКОГО ПОЛЬЗОВАТЕЛЯ").says(Topic::unknown_user));
  EXPECT_TRUE(ReplyText("",
                        "n\xE2\x80\x99"
                        "existe pas")
                  .says(Topic::unknown_user));
}

TEST(ReplyText, JapaneseIsBrokenAnywhereAndTouchesAddresses) {
  EXPECT_TRUE(ReplyText("", "宛先のユーザが見つか\n  りません").says(Topic::unknown_user));
  EXPECT_TRUE(
      ReplyText("", "メールアドレスtaro@example.jpは存在しません").says(Topic::unknown_user));
}

TEST(ReplyText, AStarIsOneWord) {
  const ReplyText text("", "Domain shop-a.example does not exist");
  EXPECT_TRUE(text.contains("domain * does not exist"));
  EXPECT_FALSE(text.contains("domain * not exist"));
  EXPECT_FALSE(ReplyText("", "domain does not exist").contains("domain * does not exist"));
  EXPECT_EQ(text.named_by(Topic::unknown_domain), std::vector<std::string>{"shop-a.example"});
}

TEST(ReplyText, WhatFramesEveryBounceStatesNothing) {
  EXPECT_FALSE(ReplyText("", "it was rejected by the recipient domain").says(Topic::filter));
  EXPECT_FALSE(ReplyText("", "the group may not exist").says(Topic::unknown_user));
  EXPECT_FALSE(ReplyText("", "「x」群組可能不存在").says(Topic::unknown_user));
}

}  // namespace
}  // namespace ecrelay::policy

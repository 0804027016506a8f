#include "policy/operator_rule.h"

#include <gtest/gtest.h>

#include "policy/suppression_rule.h"

namespace ecrelay::policy {
namespace {

using smtp::Reply;
using smtp::Stage;

/// What an operator's row makes of a reply that the table would otherwise decide.
Suppression decide(const OperatorRule& rule, const Reply& reply, Stage stage = Stage::rcpt,
                   const char* recipient = "n@shop.example.jp",
                   const char* server = "mx3.example.jp") {
  return suppression_for({stage, reply, recipient, server}, {rule});
}

OperatorRule saying(const char* text, Effect effect) {
  OperatorRule rule;
  rule.reason = "local_dead";
  rule.effect = effect;
  rule.text = folded(text);
  return rule;
}

const Reply odd(550, "5.0.0", "Kein Anschluß unter dieser Nummer: n@shop.example.jp");

TEST(OperatorRule, DecidesBeforeTheTableAndIsNamed) {
  EXPECT_EQ(suppression_for({Stage::rcpt, odd, "n@shop.example.jp", ""}).reason, "unclassified");
  const auto decision = decide(saying("kein anschluß", Effect::suppress), odd);
  EXPECT_TRUE(decision.suppresses());
  EXPECT_EQ(decision.row, 0);
  EXPECT_EQ(decision.reason, "local_dead");
  // The list knows it as what it is: lifetimes, spreading and the breaker hold for it.
  EXPECT_EQ(decision.listed_as(), "hard");
}

TEST(OperatorRule, TakesBackWhatTheTableWouldSuppress) {
  const Reply lie(550, "5.1.1", "User unknown, says our firewall 7");
  EXPECT_TRUE(suppression_for({Stage::rcpt, lie, "n@shop.example.jp", ""}).suppresses());
  EXPECT_EQ(decide(saying("says our firewall 7 *", Effect::ignore), lie).effect,
            Effect::suppress);  // a '*' is a word, and there is none behind the end
  EXPECT_EQ(decide(saying("says our firewall", Effect::ignore), lie).effect, Effect::ignore);
  EXPECT_EQ(decide(saying("says * firewall", Effect::count), lie).effect, Effect::count);
}

TEST(OperatorRule, AsksForEveryConditionThatIsGiven) {
  OperatorRule rule = saying("dieser Nummer", Effect::suppress);
  rule.code = 550;
  rule.enhanced = parse_status_pattern("5.0.*");
  rule.server = "example.jp";
  rule.domain = "example.jp";
  EXPECT_TRUE(decide(rule, odd).suppresses());
  EXPECT_FALSE(decide(rule, Reply(551, odd.enhanced, odd.text)).reason == "local_dead");
  EXPECT_FALSE(decide(rule, Reply(550, "5.2.0", odd.text)).suppresses());
  EXPECT_FALSE(decide(rule, odd, Stage::rcpt, "n@shop.example.com").suppresses());
  EXPECT_FALSE(decide(rule, odd, Stage::rcpt, "n@badexample.jp").suppresses());
  EXPECT_FALSE(
      decide(rule, odd, Stage::rcpt, "n@shop.example.jp", "mx.badexample.jp").suppresses());
}

TEST(OperatorRule, SuppressesAtRcptOnlyUnlessItNamesAStage) {
  OperatorRule rule = saying("dieser Nummer", Effect::suppress);
  for (const Stage stage : {Stage::connect, Stage::hello, Stage::mail, Stage::data, Stage::dot})
    EXPECT_FALSE(decide(rule, odd, stage).suppresses()) << to_text(stage);
  rule.stage = mail::SaidAt::data;
  EXPECT_TRUE(decide(rule, odd, Stage::dot).suppresses());
  EXPECT_FALSE(decide(rule, odd, Stage::rcpt).suppresses());
}

TEST(OperatorRule, TheFirstThatAppliesDecides) {
  const OperatorRules rules{saying("nothing of that", Effect::suppress),
                            saying("anschluss", Effect::count), saying("nummer", Effect::suppress)};
  const Reply reply(550, "", "kein Anschluss unter der Nummer");
  EXPECT_EQ(suppression_for({Stage::rcpt, reply, "n@x.jp", ""}, rules).effect, Effect::count);
}

TEST(OperatorRule, ReadsReportsByWhatStandsBesideTheRecipientAndAround) {
  mail::Report report;
  report.kind = mail::ReportKind::nonstandard;
  report.words = "The robot says: KEIN\n ANSCHLUSS";
  mail::Reported result;
  result.recipient = "n@x.jp";
  result.action = "failed";
  result.diagnostic = "it failed";
  const OperatorRules rules{saying("kein anschluss", Effect::suppress)};
  EXPECT_EQ(suppression_for(report, result, rules).reason, "local_dead");
  // What is not final stays so, and a complaint is one.
  result.action = "delayed";
  EXPECT_EQ(suppression_for(report, result, rules).effect, Effect::none);
  report.kind = mail::ReportKind::arf;
  EXPECT_EQ(suppression_for(report, result, rules).effect, Effect::complaint);
}

TEST(OperatorRule, NoPhraseAndNoReplyCostMoreThanASearch) {
  const OperatorRules rules(200, saying("a * a * a * a * a * a * a * a * b", Effect::suppress));
  std::string flood;
  while (flood.size() < (64U << 10)) flood += "a a ";
  EXPECT_FALSE(
      suppression_for({Stage::rcpt, Reply(550, "", flood), "n@x.jp", ""}, rules).suppresses());
}

TEST(StatusPattern, LeavesTheDetailOpenAndNothingElse) {
  EXPECT_EQ(parse_status_pattern("5.7.*"), (Status{5, 7, any_detail}));
  EXPECT_EQ(parse_status_pattern("5.7.1"), (Status{5, 7, 1}));
  for (const char* text : {"", "*", "5.*", "5.*.1", "*.1.1", "5.7.1*"})
    EXPECT_EQ(parse_status_pattern(text), std::nullopt) << text;
}

}  // namespace
}  // namespace ecrelay::policy

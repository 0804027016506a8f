#include "dispatch/conclusion.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace ecrelay::dispatch {
namespace {

using namespace std::chrono_literals;
using smtp::Origin;
using smtp::Reply;
using smtp::Stage;

const TimePoint noon{Duration(1'800'000'000'000)};

Job job(std::size_t recipients) {
  Job result;
  result.id = Ulid(noon - 1min, {7});
  result.shop = "shop-a";
  result.sender = "info@shop-a.example";
  result.accepted_at = noon - 1min;
  result.expires_at = result.accepted_at + 48h;
  for (std::uint32_t n = 0; n < recipients; ++n) {
    Job::Recipient recipient;
    recipient.n = n;
    recipient.address = "Taro" + std::to_string(n) + "@customer.example";
    recipient.key = "taro" + std::to_string(n) + "@customer.example";
    result.recipients.push_back(recipient);
  }
  return result;
}

smtp::RecipientResult result(Stage stage, Reply reply, Origin origin = Origin::peer) {
  smtp::RecipientResult each;
  each.stage = stage;
  each.reply = std::move(reply);
  each.origin = origin;
  return each;
}

Attempted attempted() {
  Attempted facts;
  facts.upstream = "default";
  facts.server = "smtp.example.net:192.0.2.1:25";
  facts.server_host = "smtp.example.net";
  facts.at = noon;
  return facts;
}

Rules rules(policy::Unit unit = policy::Unit::message) {
  using namespace std::chrono;
  policy::Price price{2024y / 7 / 1, Money::milli_yen(100), unit};
  auto prices = policy::PriceBook::build({price}, {});
  return Rules{policy::RetryPlan{{60s, 300s}, 48h}, std::move(*prices), {}, "relay.example.jp", {}};
}

TEST(Conclusion, WhatTheUpstreamTookIsSentAndChargedOnceForTheMessage) {
  const std::vector results(3, result(Stage::dot, Reply(250, "2.0.0", "ok")));
  const Conclusion conclusion = conclude(job(3), results, attempted(), rules(), 0);
  for (const auto& recipient : conclusion.outcome.recipients)
    EXPECT_EQ(recipient.state, records::State::sent);
  ASSERT_EQ(conclusion.outcome.charges.size(), 1U);
  EXPECT_EQ(conclusion.outcome.charges[0].unit, records::Unit::message);
  EXPECT_EQ(conclusion.charged, Money::milli_yen(100));
  EXPECT_EQ(conclusion.outcome.recipients[0].attempt->verdict, "sent");
}

TEST(Conclusion, EachRecipientSentIsChargedWhereThatIsTheUnit) {
  std::vector results(3, result(Stage::dot, Reply(250, "2.0.0", "ok")));
  results[1] = result(Stage::rcpt, Reply(450, "4.2.0", "later"));
  const Conclusion conclusion =
      conclude(job(3), results, attempted(), rules(policy::Unit::recipient), 0);
  ASSERT_EQ(conclusion.outcome.charges.size(), 2U);
  EXPECT_EQ(conclusion.outcome.charges[0].recipient, 0U);
  EXPECT_EQ(conclusion.outcome.charges[1].recipient, 2U);
  EXPECT_EQ(conclusion.charged, Money::milli_yen(200));
}

TEST(Conclusion, NothingIsChargedForWhatWasNotSent) {
  for (const auto& refused :
       {result(Stage::rcpt, Reply(550, "5.1.1", "User unknown")),
        result(Stage::dot, Reply(451, "4.3.0", "later")),
        result(Stage::dot, Reply(451, "4.4.2", "lost"), Origin::trouble),
        result(Stage::connect, Reply(451, "4.4.1", "refused"), Origin::trouble)}) {
    const Conclusion conclusion = conclude(job(1), {refused}, attempted(), rules(), 0);
    EXPECT_TRUE(conclusion.outcome.charges.empty()) << refused.reply.line();
    EXPECT_EQ(conclusion.charged, Money());
  }
}

TEST(Conclusion, ATransientRefusalIsDueAgainByTheSchedule) {
  const Conclusion conclusion = conclude(
      job(1), {result(Stage::rcpt, Reply(450, "4.2.0", "later"))}, attempted(), rules(), 1U << 31);
  EXPECT_EQ(conclusion.outcome.recipients[0].state, records::State::queued);
  const Duration wait = conclusion.outcome.recipients[0].due - noon;
  EXPECT_GE(wait, 54s);
  EXPECT_LE(wait, 66s);
  EXPECT_EQ(conclusion.outcome.recipients[0].attempt->code, 450);
}

TEST(Conclusion, ALostConnectionNeverBouncesAndKeepsNoCodeThatNobodySaid) {
  const Conclusion conclusion = conclude(
      job(1), {result(Stage::connect, Reply(451, "4.4.1", "connection refused"), Origin::trouble)},
      attempted(), rules(), 0);
  EXPECT_EQ(conclusion.outcome.recipients[0].state, records::State::queued);
  EXPECT_EQ(conclusion.outcome.recipients[0].attempt->code, 0);
  EXPECT_EQ(conclusion.outcome.recipients[0].attempt->reply, "connection refused");
}

TEST(Conclusion, AnUnknownUserAtRcptBouncesAndGoesOnTheShopsListWithItsEvidence) {
  const Conclusion conclusion = conclude(
      job(1), {result(Stage::rcpt, Reply(550, "5.1.1", "User unknown"))}, attempted(), rules(), 0);
  EXPECT_EQ(conclusion.outcome.recipients[0].state, records::State::bounced);
  EXPECT_EQ(conclusion.outcome.recipients[0].attempt->verdict, "failed unknown_user");
  ASSERT_EQ(conclusion.outcome.signs.size(), 1U);
  const records::SuppressionEntry& entry = conclusion.outcome.signs[0].entry;
  EXPECT_EQ(entry.shop, "shop-a");
  EXPECT_EQ(entry.key, "taro0@customer.example");
  EXPECT_EQ(entry.reason, "hard");
  EXPECT_EQ(entry.message, job(1).id);
  EXPECT_NE(entry.evidence.find("550 5.1.1 User unknown"), std::string::npos);
}

TEST(Conclusion, ARefusalAboutUsBouncesNobodyOntoTheList) {
  const Conclusion conclusion = conclude(
      job(1), {result(Stage::rcpt, Reply(550, "5.7.1", "Blocked by Spamhaus, banned sending IP"))},
      attempted(), rules(), 0);
  EXPECT_TRUE(conclusion.outcome.signs.empty());
}

TEST(Conclusion, WhatExpiresCountsForTheAddressWhereTheLastWordWasAboutItsMailbox) {
  Job old = job(1);
  old.accepted_at = noon - 49h;
  old.expires_at = noon - 1h;
  old.recipients[0].attempts = 100;
  const auto signs = [&](const Reply& reply, Stage stage = Stage::rcpt) {
    const Conclusion conclusion = conclude(old, {result(stage, reply)}, attempted(), rules(), 0);
    EXPECT_EQ(conclusion.outcome.recipients[0].state, records::State::expired) << reply.line();
    return conclusion.outcome.signs;
  };
  const auto full = signs(Reply(452, "4.2.2", "mailbox full"));
  ASSERT_EQ(full.size(), 1U);
  EXPECT_EQ(full[0].weight, records::Weight::delivery_point);
  EXPECT_EQ(full[0].entry.reason, "mailbox_full");
  EXPECT_EQ(signs(Reply(450, "4.2.1", "mailbox busy")).size(), 1U);
  EXPECT_TRUE(signs(Reply(451, "4.7.1", "greylisted, try again")).empty());
  EXPECT_TRUE(signs(Reply(451, "4.3.0", "queue file write error")).empty());
  EXPECT_TRUE(signs(Reply(421, "4.7.0", "too many connections")).empty());
  EXPECT_TRUE(signs(Reply(451, "4.4.1", "connection refused"), Stage::connect).empty());
}

TEST(Conclusion, WhatCannotBePricedIsAnErrorAndNotFree) {
  using namespace std::chrono;
  auto later = policy::PriceBook::build(
      {policy::Price{2099y / 1 / 1, Money::milli_yen(100), policy::Unit::message}}, {});
  const Rules without{policy::RetryPlan{{60s}, 48h}, std::move(*later), {}, "", {}};
  EXPECT_THROW(
      conclude(job(1), {result(Stage::dot, Reply(250, "2.0.0", "ok"))}, attempted(), without, 0),
      std::logic_error);
}

TEST(Conclusion, WhatIsInDoubtIsTriedAgainOrHeldAsTheShopWants) {
  const std::vector lost = {result(Stage::dot, Reply(451, "4.4.2", "lost"), Origin::trouble)};
  Rules retries = rules();
  const Conclusion retried = conclude(job(1), lost, attempted(), retries, 0);
  EXPECT_EQ(retried.outcome.recipients[0].state, records::State::queued);
  EXPECT_EQ(retried.outcome.recipients[0].attempt->verdict, "deferred protocol in_doubt");
  retries.shops["shop-a"].hold_in_doubt = true;
  const Conclusion held = conclude(job(1), lost, attempted(), retries, 0);
  EXPECT_EQ(held.outcome.recipients[0].state, records::State::held);
  EXPECT_TRUE(held.outcome.charges.empty());
}

TEST(Conclusion, AMessageDoesNotExpireBecauseTheClockWasSetAYearForward) {
  Job old = job(1);
  old.recipients[0].attempts = 9;
  const std::vector later = {result(Stage::rcpt, Reply(450, "4.2.0", "later"))};
  Attempted after = attempted();
  after.at = noon + 8760h;
  EXPECT_EQ(conclude(old, later, after, rules(), 0).recipients[0].state, records::State::expired);
  after.excess_age = 8760h;
  EXPECT_EQ(conclude(old, later, after, rules(), 0).recipients[0].state, records::State::queued);
}

}  // namespace
}  // namespace ecrelay::dispatch

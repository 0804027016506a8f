#include "dispatch/agenda.h"

#include <gtest/gtest.h>

namespace ecrelay::dispatch {
namespace {

using namespace std::chrono_literals;
using records::Lane;

const TimePoint noon{Duration(1'800'000'000'000)};

Ulid message(std::uint32_t number) {
  return Ulid(noon, {static_cast<std::uint8_t>(number >> 16),
                     static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)});
}

TEST(Agenda, GivesAFlowsMessagesInTheOrderOfTheirTimes) {
  Agenda agenda;
  const Agenda::Flow flow = agenda.flow("a", Lane::transactional, 1);
  agenda.push(noon + 2s, {message(2), flow}, noon);
  agenda.push(noon + 1s, {message(1), flow}, noon);
  agenda.push(noon + 3s, {message(3), flow}, noon);
  for (const std::uint32_t next : {1U, 2U, 3U})
    EXPECT_EQ(agenda.pop_due(noon + 5s)->message, message(next));
  EXPECT_FALSE(agenda.pop_due(noon + 5s));
}

TEST(Agenda, KeepsBackWhatIsNotDueYet) {
  Agenda agenda;
  agenda.push(noon + 1ms, {message(1), agenda.flow("a", Lane::bulk, 1)}, noon);
  EXPECT_FALSE(agenda.has_due(noon));
  EXPECT_FALSE(agenda.pop_due(noon));
  EXPECT_EQ(agenda.next_due(), noon + 1ms);
  EXPECT_EQ(agenda.size(), 1U);
  EXPECT_TRUE(agenda.pop_due(noon + 1ms));
  EXPECT_EQ(agenda.next_due(), std::nullopt);
  EXPECT_EQ(agenda.size(), 0U);
}

/// How many turns pass until all of `of` have had theirs.
std::size_t turns_until_all(Agenda& agenda, Agenda::Flow of, std::size_t count) {
  std::size_t turns = 0;
  while (count > 0) {
    ++turns;
    if (agenda.pop_due(noon)->flow == of) --count;
  }
  return turns;
}

TEST(Agenda, LetsAHundredReceiptsPassACampaignOfAHundredThousand) {
  Agenda agenda;
  const Agenda::Flow campaign = agenda.flow("a", Lane::bulk, 1);
  const Agenda::Flow receipts = agenda.flow("b", Lane::transactional, 1);
  for (std::uint32_t i = 0; i < 100'000; ++i) agenda.push(noon, {message(i), campaign}, noon);
  for (int i = 0; i < 1000; ++i) agenda.pop_due(noon);
  for (std::uint32_t i = 0; i < 100; ++i) agenda.push(noon, {message(i), receipts}, noon);
  EXPECT_LE(turns_until_all(agenda, receipts, 100), 112U) << "ten of eleven turns are theirs";
}

TEST(Agenda, LetsAShopsOwnReceiptsPassItsCampaign) {
  Agenda agenda;
  const Agenda::Flow campaign = agenda.flow("a", Lane::bulk, 1);
  const Agenda::Flow receipts = agenda.flow("a", Lane::transactional, 1);
  for (std::uint32_t i = 0; i < 1000; ++i) agenda.push(noon, {message(i), campaign}, noon);
  agenda.push(noon, {message(5000), receipts}, noon);
  EXPECT_LE(turns_until_all(agenda, receipts, 1), 2U);
}

TEST(Agenda, NeverStopsACampaignForReceipts) {
  Agenda agenda;
  const Agenda::Flow campaign = agenda.flow("a", Lane::bulk, 1);
  const Agenda::Flow receipts = agenda.flow("b", Lane::transactional, 1);
  for (std::uint32_t i = 0; i < 2000; ++i) agenda.push(noon, {message(i), receipts}, noon);
  for (std::uint32_t i = 0; i < 100; ++i) agenda.push(noon, {message(i), campaign}, noon);
  EXPECT_LE(turns_until_all(agenda, campaign, 100), 1101U);
}

TEST(Agenda, SharesByWeight) {
  Agenda agenda;
  const Agenda::Flow large = agenda.flow("large", Lane::transactional, 3);
  const Agenda::Flow small = agenda.flow("small", Lane::transactional, 1);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    agenda.push(noon, {message(i), large}, noon);
    agenda.push(noon, {message(i), small}, noon);
  }
  int turns_of_large = 0;
  for (int i = 0; i < 400; ++i) turns_of_large += agenda.pop_due(noon)->flow == large;
  EXPECT_NEAR(turns_of_large, 300, 2);
}

TEST(Agenda, SharesByTheWeightThatWasSaidLast) {
  Agenda agenda;
  const Agenda::Flow a = agenda.flow("a", Lane::bulk, 1);
  const Agenda::Flow b = agenda.flow("b", Lane::bulk, 1);
  for (std::uint32_t i = 0; i < 100; ++i) {
    agenda.push(noon, {message(i), a}, noon);
    agenda.push(noon, {message(1000 + i), b}, noon);
  }
  EXPECT_EQ(agenda.flow("b", Lane::bulk, 3), b);
  EXPECT_NEAR(static_cast<double>(turns_until_all(agenda, a, 20)), 80, 4);
}

TEST(Agenda, GivesNoCreditForIdleTime) {
  Agenda agenda;
  const Agenda::Flow busy = agenda.flow("busy", Lane::bulk, 1);
  const Agenda::Flow late = agenda.flow("late", Lane::bulk, 1);
  for (std::uint32_t i = 0; i < 1000; ++i) agenda.push(noon, {message(i), busy}, noon);
  for (int i = 0; i < 500; ++i) agenda.pop_due(noon);
  for (std::uint32_t i = 0; i < 500; ++i) agenda.push(noon, {message(i), late}, noon);
  int turns_of_late = 0;
  for (int i = 0; i < 100; ++i) turns_of_late += agenda.pop_due(noon)->flow == late;
  EXPECT_NEAR(turns_of_late, 50, 1);
}

TEST(Agenda, FollowsAClockThatWasSetBack) {
  Agenda agenda;
  agenda.push(noon + 60s, {message(1), agenda.flow("a", Lane::bulk, 1)}, noon);
  agenda.bring_forward(1h);
  EXPECT_FALSE(agenda.pop_due(noon - 1h + 59s));
  EXPECT_TRUE(agenda.pop_due(noon - 1h + 60s));
}

}  // namespace
}  // namespace ecrelay::dispatch

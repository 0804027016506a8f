#include "dispatch/servers.h"

#include <gtest/gtest.h>

#include <map>

namespace ecrelay::dispatch {
namespace {

using namespace std::chrono_literals;

const Servers::Steady start = Servers::Steady() + 1000h;

config::Server server(std::uint16_t port, std::uint32_t priority, std::uint32_t weight = 1) {
  config::Server result;
  result.address.host = "smtp.example.net";
  result.address.port = port;
  result.priority = priority;
  result.weight = weight;
  return result;
}

config::ServerBreaker breaker() {
  config::ServerBreaker result;
  result.failures = 2;
  result.pause = 30s;
  result.longest_pause = 100s;
  return result;
}

TEST(Servers, AreTriedByPriorityAndEachOnlyOnce) {
  Servers servers({server(1, 20), server(2, 10), server(3, 20)}, breaker());
  std::vector<bool> tried(3, false);
  EXPECT_EQ(servers.pick(start, 0, tried), 1U);
  tried[1] = true;
  EXPECT_EQ(servers.pick(start, 0, tried), 0U);
  tried[0] = true;
  EXPECT_EQ(servers.pick(start, 0, tried), 2U);
  tried[2] = true;
  EXPECT_EQ(servers.pick(start, 0, tried), std::nullopt);
}

TEST(Servers, ShareByWeightWithinAPriority) {
  Servers servers({server(1, 10, 3), server(2, 10, 1)}, breaker());
  const std::vector<bool> tried(2, false);
  std::map<std::size_t, int> chosen;
  for (std::uint32_t random = 0; random < 400; ++random)
    ++chosen[*servers.pick(start, random, tried)];
  EXPECT_EQ(chosen[0], 300);
  EXPECT_EQ(chosen[1], 100);
}

TEST(Servers, OneThatFailsAgainAndAgainIsClosedAndThenTriedByOneCallerOnly) {
  Servers servers({server(1, 10)}, breaker());
  const std::vector<bool> tried(1, false);
  servers.failed(0, start, "connect: refused");
  EXPECT_TRUE(servers.any_available(start)) << "one failure closes nothing";
  servers.failed(0, start, "connect: refused");
  EXPECT_FALSE(servers.any_available(start + 29s));
  EXPECT_EQ(servers.next_trial(start + 29s), start + 30s);
  ASSERT_EQ(servers.pick(start + 30s, 0, tried), 0U);
  EXPECT_EQ(servers.pick(start + 30s, 0, tried), std::nullopt) << "the trial is one caller's";
}

TEST(Servers, ATrialThatFailsDoublesThePauseUpToItsLimit) {
  Servers servers({server(1, 10)}, breaker());
  servers.failed(0, start, "x");
  servers.failed(0, start, "x");
  servers.failed(0, start + 30s, "x");
  EXPECT_EQ(servers.next_trial(start + 30s), start + 90s);
  servers.failed(0, start + 90s, "x");
  EXPECT_EQ(servers.next_trial(start + 90s), start + 190s);
}

TEST(Servers, ASuccessOpensTheServerAsIfNothingHadBeen) {
  Servers servers({server(1, 10)}, breaker());
  const std::vector<bool> tried(1, false);
  servers.failed(0, start, "x");
  servers.failed(0, start, "x");
  ASSERT_EQ(servers.pick(start + 30s, 0, tried), 0U);
  servers.succeeded(0);
  EXPECT_EQ(servers.trouble(0), "");
  servers.failed(0, start + 40s, "y");
  EXPECT_TRUE(servers.any_available(start + 40s));
  EXPECT_EQ(servers.trouble(0), "y");
}

}  // namespace
}  // namespace ecrelay::dispatch

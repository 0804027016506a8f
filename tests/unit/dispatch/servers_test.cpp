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
  EXPECT_EQ(servers.pick(0, tried), 1U);
  tried[1] = true;
  EXPECT_EQ(servers.pick(0, tried), 0U);
  tried[0] = true;
  EXPECT_EQ(servers.pick(0, tried), 2U);
  tried[2] = true;
  EXPECT_EQ(servers.pick(0, tried), std::nullopt);
}

TEST(Servers, ShareByWeightWithinAPriority) {
  Servers servers({server(1, 10, 3), server(2, 10, 1)}, breaker());
  const std::vector<bool> tried(2, false);
  std::map<std::size_t, int> chosen;
  for (std::uint32_t random = 0; random < 400; ++random) ++chosen[*servers.pick(random, tried)];
  EXPECT_EQ(chosen[0], 300);
  EXPECT_EQ(chosen[1], 100);
}

TEST(Servers, OneThatFailsAgainAndAgainGetsNoMailUntilAProbeCameThrough) {
  Servers servers({server(1, 10)}, breaker());
  const std::vector<bool> tried(1, false);
  servers.failed(0, start, "connect: refused");
  EXPECT_TRUE(servers.any_available()) << "one failure opens nothing";
  servers.failed(0, start, "connect: refused");
  EXPECT_FALSE(servers.any_available());
  EXPECT_TRUE(servers.is_open(0));
  EXPECT_EQ(servers.next_probe(), start + 30s);
  EXPECT_EQ(servers.pick_for_probe(start + 29s), std::nullopt);
  ASSERT_EQ(servers.pick_for_probe(start + 30s), 0U);
  EXPECT_EQ(servers.pick_for_probe(start + 30s), std::nullopt) << "one probe at a time";
  EXPECT_EQ(servers.pick(0, tried), std::nullopt) << "no mail while it is being probed";
  servers.came_through(0);
  EXPECT_EQ(servers.pick(0, tried), 0U);
}

TEST(Servers, AProbeThatFailsDoublesThePauseUpToItsLimit) {
  Servers servers({server(1, 10)}, breaker());
  servers.failed(0, start, "x");
  servers.failed(0, start, "x");
  ASSERT_TRUE(servers.pick_for_probe(start + 30s));
  servers.failed(0, start + 30s, "x");
  EXPECT_EQ(servers.next_probe(), start + 90s);
  ASSERT_TRUE(servers.pick_for_probe(start + 90s));
  servers.failed(0, start + 90s, "x");
  EXPECT_EQ(servers.next_probe(), start + 190s);
}

TEST(Servers, FailuresOfOldConnectionsDoNotMakeAnOpenPauseLonger) {
  Servers servers({server(1, 10)}, breaker());
  for (int i = 0; i < 20; ++i) servers.failed(0, start + 1s, "lost");
  EXPECT_EQ(servers.next_probe(), start + 31s);
}

TEST(Servers, AfterAProbeOneMessageAtATimeShowsThatMailGoes) {
  Servers servers({server(1, 10)}, breaker());
  const std::vector<bool> tried(1, false);
  servers.failed(0, start, "x");
  servers.failed(0, start, "x");
  ASSERT_TRUE(servers.pick_for_probe(start + 30s));
  servers.came_through(0);
  ASSERT_EQ(servers.pick(0, tried), 0U);
  EXPECT_EQ(servers.pick(0, tried), std::nullopt) << "the trial is one message's";
  servers.succeeded(0);
  EXPECT_EQ(servers.pick(0, tried), 0U);
  EXPECT_EQ(servers.pick(0, tried), 0U);
  EXPECT_EQ(servers.trouble(0), "");
}

TEST(Servers, OneThatLetsProbesThroughAndDropsMailIsLeftAloneEverLonger) {
  Servers servers({server(1, 10)}, breaker());
  const std::vector<bool> tried(1, false);
  servers.failed(0, start, "mail: 421 busy");
  servers.failed(0, start, "mail: 421 busy");
  ASSERT_TRUE(servers.pick_for_probe(start + 30s));
  servers.came_through(0);
  ASSERT_TRUE(servers.pick(0, tried));
  servers.failed(0, start + 31s, "mail: 421 busy");
  EXPECT_EQ(servers.next_probe(), start + 91s);
}

TEST(Servers, ATrialThatWasNotNeededLeavesTheServerToOthers) {
  Servers servers({server(1, 10)}, breaker());
  const std::vector<bool> tried(1, false);
  servers.failed(0, start, "x");
  servers.failed(0, start, "x");
  ASSERT_TRUE(servers.pick_for_probe(start + 30s));
  servers.came_through(0);
  ASSERT_TRUE(servers.pick(0, tried));
  servers.unused(0);
  EXPECT_TRUE(servers.pick(0, tried));
}

TEST(Servers, ASuccessForgetsEarlierFailures) {
  Servers servers({server(1, 10)}, breaker());
  servers.failed(0, start, "x");
  servers.succeeded(0);
  servers.failed(0, start + 40s, "y");
  EXPECT_TRUE(servers.any_available());
  EXPECT_EQ(servers.trouble(0), "y");
}

TEST(Servers, OfFiftyHalfDeadOnesOnlyTheLivingGetMailOnceBreakersHaveOpened) {
  std::vector<config::Server> fifty;
  for (std::uint16_t port = 1; port <= 50; ++port) fifty.push_back(server(port, 10));
  Servers servers(fifty, breaker());
  const auto is_dead = [](std::size_t index) { return index % 2 == 0; };
  int failures = 0;
  for (std::uint32_t random = 0; random < 5000; ++random) {
    std::vector<bool> tried(50, false);
    for (;;) {
      const auto chosen = servers.pick(random, tried);
      ASSERT_TRUE(chosen) << "a living server is always left";
      if (!is_dead(*chosen)) break;
      ++failures;
      tried[*chosen] = true;
      servers.failed(*chosen, start, "connect: refused");
    }
  }
  EXPECT_EQ(failures, 50) << "two failures open each of the 25 dead ones' breakers";
}

}  // namespace
}  // namespace ecrelay::dispatch

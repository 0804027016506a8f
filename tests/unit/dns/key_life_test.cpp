#include "dns/key_life.h"

#include <gmock/gmock.h>

namespace ecrelay::dns {
namespace {

using records::KeyState;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr TimePoint now{Duration(1'000'000)};
constexpr TimePoint keep{Duration(9'000'000)};

const ConfiguredKey r1{"r1", "rsa-sha256", "record 1"};
const ConfiguredKey r2{"r2", "rsa-sha256", "record 2"};
const ConfiguredKey e1{"e1", "ed25519-sha256", "record e"};

Keys adopt(const Keys& known, const std::vector<ConfiguredKey>& configured,
           Beginning first = Beginning::signing) {
  return adopted(known, "shop.example", configured, first, now, keep);
}

std::vector<std::string> states(const Keys& keys) {
  std::vector<std::string> all;
  for (const SigningKey& key : keys)
    all.push_back(key.selector + " " + std::string(records::text(key.state)));
  return all;
}

TEST(KeyLife, TheFirstKeysOfADomainBeginAsItSays) {
  EXPECT_THAT(states(adopt({}, {r1, e1})), ElementsAre("r1 active", "e1 active"));
  EXPECT_THAT(states(adopt({}, {r1, e1}, Beginning::waiting)),
              ElementsAre("r1 pending", "e1 pending"));
}

TEST(KeyLife, ALaterKeyWaitsForDnsAndThenReplacesThoseOfItsAlgorithm) {
  const Keys waiting = adopt(adopt({}, {r1, e1}), {r1, e1, r2});
  EXPECT_THAT(states(waiting), ElementsAre("r1 active", "e1 active", "r2 pending"));
  const Keys there = published(waiting, "r2", now, keep);
  EXPECT_THAT(states(there), ElementsAre("r1 retiring", "e1 active", "r2 active"));
  EXPECT_EQ(there[0].until, keep);
  EXPECT_THAT(states(aged(there, keep - Duration(1))),
              ElementsAre("r1 retiring", "e1 active", "r2 active"));
  EXPECT_THAT(states(aged(there, keep)), ElementsAre("r1 retired", "e1 active", "r2 active"));
}

TEST(KeyLife, WhatIsKnownStaysAsItIsHoweverOftenItIsReadAgain) {
  const Keys there = published(adopt(adopt({}, {r1}), {r1, r2}), "r2", now, keep);
  EXPECT_EQ(adopt(there, {r1, r2}), there);
  EXPECT_EQ(published(there, "r2", now, keep), there);
  EXPECT_EQ(published(there, "r1", now, keep), there) << "an old key is in DNS, too";
}

TEST(KeyLife, AnotherKeyUnderTheSameSelectorIsANewKey) {
  const ConfiguredKey other{"r1", "rsa-sha256", "other record"};
  EXPECT_THAT(states(adopt(adopt({}, {r1, r2}), {other, r2})),
              ElementsAre("r2 active", "r1 pending"));
}

TEST(KeyLife, AKeyTakenOutWhileItSignedIsRememberedUntilDnsNeedsItNoMore) {
  const Keys left = adopt(adopt({}, {r1}), {r2}, Beginning::waiting);
  EXPECT_THAT(states(left), ElementsAre("r2 pending", "r1 retiring"));
  EXPECT_THAT(states(adopt(aged(left, keep), {r2})), ElementsAre("r2 pending", "r1 retired"));
}

TEST(KeyLife, WithoutAKeyThatSignsARetiringOneSignsAgain) {
  const Keys there = published(adopt(adopt({}, {r1}), {r1, r2}), "r2", now, keep);
  EXPECT_THAT(states(adopt(there, {r1})), ElementsAre("r1 active", "r2 retiring"));
}

TEST(KeyLife, ADomainWithoutKeysHasNone) { EXPECT_THAT(adopt({}, {}), IsEmpty()); }

}  // namespace
}  // namespace ecrelay::dns

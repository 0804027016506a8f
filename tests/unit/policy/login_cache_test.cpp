#include "policy/login_cache.h"

#include <gtest/gtest.h>

namespace ecrelay::policy {
namespace {

using namespace std::chrono_literals;

const SteadyPoint start{1h};
const Digest key{1, 2, 3};
const IpAddress app = *IpAddress::parse("10.0.1.1");

Secret password(std::string text) { return Secret(std::move(text)); }

TEST(VerifiedLogins, RemembersALoginUntilItsTimeIsOver) {
  VerifiedLogins logins(key, {.entries = 10, .lifetime = 300s});
  logins.remember("shop-a", password("right"), "a", start);
  EXPECT_EQ(logins.find("shop-a", password("right"), start + 299s), "a");
  EXPECT_EQ(logins.find("shop-a", password("right"), start + 300s), std::nullopt);
}

TEST(VerifiedLogins, KnowsExactlyTheUserAndPasswordThatWereVerified) {
  VerifiedLogins logins(key, {});
  logins.remember("ab", password("c"), "a", start);
  EXPECT_TRUE(logins.find("ab", password("c"), start));
  EXPECT_FALSE(logins.find("a", password("bc"), start));
  EXPECT_FALSE(logins.find("abc", password(""), start));
  EXPECT_FALSE(logins.find("ab", password("C"), start));
  EXPECT_FALSE(logins.find("ab", password(std::string("c\0", 2)), start));
  EXPECT_FALSE(logins.find("ab", password(""), start));
}

TEST(VerifiedLogins, ForgetsEverythingOnReload) {
  VerifiedLogins logins(key, {});
  logins.remember("u", password("p"), "a", start);
  logins.clear();
  EXPECT_FALSE(logins.find("u", password("p"), start));
}

TEST(VerifiedLogins, StaysWithinItsBoundAndGivesUpTheOldest) {
  VerifiedLogins logins(key, {.entries = 3, .lifetime = 300s});
  for (int i = 0; i < 5; ++i) {
    logins.remember("u" + std::to_string(i), password("p"), "a", start + i * 1s);
    EXPECT_LE(logins.size(), 3U);
  }
  EXPECT_FALSE(logins.find("u1", password("p"), start + 5s));
  EXPECT_TRUE(logins.find("u2", password("p"), start + 5s));
  EXPECT_TRUE(logins.find("u4", password("p"), start + 5s));
  logins.remember("u4", password("p"), "a", start + 5s);
  EXPECT_TRUE(logins.find("u2", password("p"), start + 5s)) << "a known login needs no room";
}

TEST(LoginAttempts, FiveAreFreeAndThenThePauseDoubles) {
  LoginAttempts attempts;
  for (int i = 0; i < 4; ++i) {
    attempts.failed(app, "shop-a", start);
    EXPECT_EQ(attempts.pause(app, "shop-a", start), 0ms) << i;
  }
  attempts.failed(app, "shop-a", start);
  EXPECT_EQ(attempts.pause(app, "shop-a", start), 1s);
  attempts.failed(app, "shop-a", start);
  EXPECT_EQ(attempts.pause(app, "shop-a", start), 2s);
  EXPECT_EQ(attempts.pause(app, "shop-a", start + 1999ms), 1ms);
  EXPECT_EQ(attempts.pause(app, "shop-a", start + 2s), 0ms);
  for (int i = 0; i < 30; ++i) attempts.failed(app, "shop-a", start);
  EXPECT_EQ(attempts.pause(app, "shop-a", start), 15min);
}

TEST(LoginAttempts, OneShopsWrongPasswordDoesNotLockTheOthersOfItsServerOut) {
  LoginAttempts attempts;
  for (int i = 0; i < 10; ++i) attempts.failed(app, "shop-a", start);
  EXPECT_GT(attempts.pause(app, "shop-a", start), 0ms);
  EXPECT_GT(attempts.pause(app, "SHOP-A", start), 0ms);
  EXPECT_EQ(attempts.pause(app, "shop-b", start), 0ms);
  EXPECT_EQ(attempts.pause(*IpAddress::parse("10.0.1.2"), "shop-a", start), 0ms);
}

TEST(LoginAttempts, ManyNamesFromOneAddressAreStoppedAtTheAddress) {
  LoginAttempts attempts;
  for (int i = 0; i < 50; ++i) attempts.failed(app, "user" + std::to_string(i), start);
  EXPECT_GT(attempts.pause(app, "fresh", start), 0ms);
}

TEST(LoginAttempts, AGoodLoginForgivesItsNameButNotTheAddress) {
  LoginAttempts attempts;
  for (int i = 0; i < 50; ++i) attempts.failed(app, "shop-a", start);
  attempts.succeeded(app, "shop-a");
  EXPECT_EQ(attempts.pause(app, "shop-a", start), 1s) << "only the address's own pause is left";
}

TEST(LoginAttempts, CountIpv6ByItsSlash64) {
  LoginAttempts attempts;
  for (int i = 1; i <= 9; ++i) {
    attempts.failed(*IpAddress::parse("2001:db8::" + std::to_string(i)), "u", start);
  }
  EXPECT_GT(attempts.pause(*IpAddress::parse("2001:db8::ffff"), "u", start), 0ms);
  EXPECT_EQ(attempts.pause(*IpAddress::parse("2001:db8:0:1::1"), "u", start), 0ms);
}

TEST(LoginAttempts, AreForgottenAfterAnHour) {
  LoginAttempts attempts;
  for (int i = 0; i < 20; ++i) attempts.failed(app, "u", start);
  attempts.failed(app, "u", start + 61min);
  EXPECT_EQ(attempts.pause(app, "u", start + 61min), 0ms);
}

TEST(LoginAttempts, StayWithinTheirBoundUnderAFloodOfNames) {
  LoginAttempts attempts(100);
  for (int i = 0; i < 1000; ++i) {
    attempts.failed(app, "user" + std::to_string(i), start + i * 1ms);
    ASSERT_LE(attempts.size(), 100U);
  }
  EXPECT_GT(attempts.pause(app, "fresh", start + 1s), 0ms) << "the address is still known";
}

}  // namespace
}  // namespace ecrelay::policy

#include "policy/return_path.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/text.h"

namespace ecrelay::policy {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

const TimePoint signed_at = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23) + 6h;
const std::string domain = "bounce.shop-a.example";

ReturnPath path() { return {*Ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV"), 3}; }

ReturnPaths paths(std::vector<std::string> secrets = {"0123456789abcdef0123456789abcdef"}) {
  std::vector<Secret> all;
  for (std::string& secret : secrets) all.emplace_back(std::move(secret));
  return {std::move(all), days(10)};
}

TEST(ReturnPath, ComesBackAsWhatItWas) {
  const std::string local = paths().local_part(path(), domain, signed_at);
  EXPECT_TRUE(local.starts_with("01arz3ndektsv4rrffq69g5fav-3-20780-")) << local;
  const auto read = paths().read(local, domain, signed_at + 1min);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, path());
}

TEST(ReturnPath, FitsALocalPartEvenWithTheLargestNumber) {
  const ReturnPath last{*Ulid::parse("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"),
                        std::numeric_limits<std::uint32_t>::max()};
  const std::string local = paths().local_part(last, domain, signed_at);
  EXPECT_LE(local.size(), 64U);
  EXPECT_EQ(*paths().read(local, domain, signed_at), last);
}

TEST(ReturnPath, SurvivesServersThatChangeCase) {
  const std::string local = paths().local_part(path(), domain, signed_at);
  EXPECT_EQ(local, text::lowered(local));
  EXPECT_TRUE(paths().read(text::uppered(local), "BOUNCE.Shop-A.example", signed_at));
}

TEST(ReturnPath, IsValidForTheWholeLifetimeAndNotADayLonger) {
  const std::string local = paths().local_part(path(), domain, signed_at);
  EXPECT_TRUE(paths().read(local, domain, signed_at + days(10)));
  const TimePoint end = std::chrono::floor<days>(signed_at) + days(11);
  EXPECT_TRUE(paths().read(local, domain, end - 1ms));
  const auto late = paths().read(local, domain, end);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::refused);
  EXPECT_EQ(late.error().detail, "the return path ended at 2026-12-04T09:00:00.000+09:00");
}

TEST(ReturnPath, EveryAlteredCharacterVoidsIt) {
  const std::string local = paths().local_part(path(), domain, signed_at);
  for (std::size_t at = 0; at < local.size(); ++at) {
    for (const char other : {'0', '1', 'z', 'i', '-', '@'}) {
      std::string altered = local;
      altered[at] = other;
      if (altered == local) continue;
      const auto read = paths().read(altered, domain, signed_at);
      ASSERT_FALSE(read) << altered;
      EXPECT_EQ(read.error().code, ErrorCode::invalid);
    }
  }
}

TEST(ReturnPath, NothingButOneOfOursIsRead) {
  const std::string local = paths().local_part(path(), domain, signed_at);
  for (const std::string& text :
       {std::string(), std::string("postmaster"), std::string("a-b-c-d"), std::string("---"),
        local.substr(0, 40), local + '0', '0' + local, local + "-1", std::string(5000, '-')}) {
    EXPECT_FALSE(paths().read(text, domain, signed_at)) << text;
  }
}

TEST(ReturnPath, OfOneShopIsVoidUnderTheDomainOfAnother) {
  const std::string local = paths().local_part(path(), domain, signed_at);
  EXPECT_FALSE(paths().read(local, "bounce.shop-b.example", signed_at));
}

TEST(ReturnPath, OutlivesARotationOfTheSecretWhileTheOldOneIsKept) {
  const std::string before = paths({"the old secret"}).local_part(path(), domain, signed_at);
  const ReturnPaths rotated = paths({"the new secret", "the old secret"});
  EXPECT_TRUE(rotated.read(before, domain, signed_at));
  const std::string after = rotated.local_part(path(), domain, signed_at);
  EXPECT_NE(before, after);
  EXPECT_TRUE(paths({"the new secret"}).read(after, domain, signed_at));
  EXPECT_FALSE(paths({"the new secret"}).read(before, domain, signed_at));
}

TEST(ReturnPath, IsNeverSignedWithNothing) {
  EXPECT_THROW(paths(std::vector<std::string>{}), std::invalid_argument);
}

}  // namespace
}  // namespace ecrelay::policy

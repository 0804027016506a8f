#include "core/ulid.h"

#include <gtest/gtest.h>

#include <random>

namespace ecrelay {
namespace {

using namespace std::chrono;
using namespace std::chrono_literals;

TEST(Ulid, IsTheTextOfTheSpecification) {
  const TimePoint at(Duration(1469918176385));  // the example of the ULID specification
  const Ulid id(at, {});
  EXPECT_EQ(id.text(), "01ARYZ6S410000000000000000");
  EXPECT_EQ(id.time(), at);
}

TEST(Ulid, IsReadBackFromItsText) {
  std::mt19937 random(7);
  for (int i = 0; i < 1000; ++i) {
    Ulid::Bytes bytes{};
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    const Ulid id = Ulid::from_bytes(bytes);
    EXPECT_EQ(Ulid::parse(id.text()), id);
    EXPECT_EQ(id.bytes(), bytes);
  }
}

TEST(Ulid, FoldsCaseAndLookAlikes) {
  EXPECT_EQ(Ulid::parse("01aryz6s41000000000000000o"), Ulid::parse("01ARYZ6S410000000000000000"));
  EXPECT_EQ(Ulid::parse("0IARYZ6S4L0000000000000000"), Ulid::parse("01ARYZ6S410000000000000000"));
}

TEST(Ulid, RefusesEverythingElse) {
  for (const char* text :
       {"", "01ARYZ6S41000000000000000", "01ARYZ6S4100000000000000000",
        "81ARYZ6S410000000000000000", "01ARYZ6S41000000000000000U", "../../etc/passwd0000000000",
        "01ARYZ6S41 000000000000000", "01ARYZ6S41000000000000000\xff"}) {
    EXPECT_FALSE(Ulid::parse(text)) << text;
  }
  EXPECT_FALSE(Ulid::parse(std::string(26, '\0')));
  EXPECT_TRUE(Ulid::parse("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"));
}

TEST(Ulid, SortsByTimeAsBytesAndAsText) {
  const Ulid early(TimePoint(1000ms), {0xFF, 0xFF});
  const Ulid late(TimePoint(1001ms), {});
  EXPECT_LT(early, late);
  EXPECT_LT(early.text(), late.text());
}

TEST(Ulid, FreshOnesDiffer) {
  const TimePoint at(1s);
  EXPECT_NE(new_ulid(at), new_ulid(at));
  EXPECT_EQ(new_ulid(at).time(), at);
}

}  // namespace
}  // namespace ecrelay

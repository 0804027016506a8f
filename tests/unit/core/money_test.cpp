#include "core/money.h"

#include <gtest/gtest.h>

#include <limits>

namespace ecrelay {
namespace {

TEST(Money, TenThousandChargesOfATenthAreExactlyAThousandYen) {
  const Money price = *Money::parse("0.1");
  Money sum;
  for (int i = 0; i < 10'000; ++i) sum = sum + price;
  EXPECT_EQ(sum, Money::milli_yen(1'000'000));
  EXPECT_EQ(sum, price * 10'000);
  EXPECT_EQ(sum.exact(), "1000.0");
}

TEST(Money, ReadsWhatPeopleWrite) {
  EXPECT_EQ(Money::parse("0.1")->in_milli_yen(), 100);
  EXPECT_EQ(Money::parse("50000")->in_milli_yen(), 50'000'000);
  EXPECT_EQ(Money::parse("-3.25")->in_milli_yen(), -3'250);
  EXPECT_EQ(Money::parse("0.125")->in_milli_yen(), 125);
  EXPECT_EQ(Money::parse("-0.001")->in_milli_yen(), -1);
  EXPECT_EQ(Money::parse("999999999999999.999")->in_milli_yen(), 999'999'999'999'999'999);
}

TEST(Money, RefusesWhatIsNotAnExactAmount) {
  for (const char* text : {"", "-", ".", "1.", ".5", "0.1234", "1,000", "1e3", " 1", "1 ", "+1",
                           "--1", "1.-5", "0x10", "１", "1000000000000000", "1.2.3", "NaN"}) {
    EXPECT_FALSE(Money::parse(text)) << text;
  }
}

TEST(Money, PrintsExactlyAndNeverRounds) {
  EXPECT_EQ(Money().exact(), "0.0");
  EXPECT_EQ(Money::milli_yen(3'015'000).exact(), "3015.0");
  EXPECT_EQ(Money::milli_yen(1).exact(), "0.001");
  EXPECT_EQ(Money::milli_yen(-50).exact(), "-0.05");
  EXPECT_EQ(Money::milli_yen(-3'250).exact(), "-3.25");
  EXPECT_EQ(Money::milli_yen(std::numeric_limits<std::int64_t>::min()).exact(),
            "-9223372036854775.808");
}

TEST(Money, PrintedIsReadBackAsItself) {
  for (std::int64_t count : {0L, 1L, -1L, 999L, 1000L, -1001L, 123'456'789L}) {
    EXPECT_EQ(*Money::parse(Money::milli_yen(count).exact()), Money::milli_yen(count));
  }
}

}  // namespace
}  // namespace ecrelay

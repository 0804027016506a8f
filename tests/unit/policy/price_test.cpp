#include "policy/price.h"

#include <gtest/gtest.h>

namespace ecrelay::policy {
namespace {

using namespace std::chrono_literals;

const auto july = std::chrono::year_month_day(2024y / 7 / 1);
const auto november = std::chrono::year_month_day(2026y / 11 / 1);

Price price(std::chrono::year_month_day from, std::int64_t milli_yen, Unit unit = Unit::message) {
  return {from, Money::milli_yen(milli_yen), unit};
}

TEST(PriceBook, TurnsAtMidnightInTokyoNotInLondon) {
  const auto book = PriceBook::build({price(november, 200), price(july, 100)}, {}).value();
  const TimePoint midnight = *parse_timestamp("2026-11-01T00:00:00+09:00");
  EXPECT_EQ(book.in_force("a", midnight - 1ms)->yen, Money::milli_yen(100));
  EXPECT_EQ(book.in_force("a", midnight)->yen, Money::milli_yen(200));
  EXPECT_EQ(book.in_force("a", *parse_timestamp("2026-11-01T00:00:00Z") - 1ms)->yen,
            Money::milli_yen(200));
}

TEST(PriceBook, HasNoPriceBeforeItsFirstDay) {
  const auto book = PriceBook::build({price(july, 100)}, {}).value();
  EXPECT_FALSE(book.in_force("a", start_of(july) - 1ms));
  EXPECT_TRUE(book.in_force("a", start_of(july)));
}

TEST(PriceBook, PrefersTheShopsOwnPriceOnceInForce) {
  const auto book =
      PriceBook::build({price(july, 100)}, {{"a", {price(november, 50, Unit::recipient)}}}).value();
  EXPECT_EQ(book.in_force("a", start_of(november) - 1ms), price(july, 100));
  EXPECT_EQ(book.in_force("a", start_of(november)), price(november, 50, Unit::recipient));
  EXPECT_EQ(book.in_force("b", start_of(november)), price(july, 100));
}

TEST(PriceBook, RefusesListsThatLeaveAQuestion) {
  EXPECT_FALSE(PriceBook::build({}, {}));
  EXPECT_FALSE(PriceBook::build({price(july, 100), price(july, 200)}, {}));
  EXPECT_FALSE(PriceBook::build({price(july, -1)}, {}));
  EXPECT_FALSE(PriceBook::build({price(2026y / 2 / 30, 1)}, {}));
  EXPECT_FALSE(PriceBook::build({price(july, 1)}, {{"a", {price(july, 1), price(july, 1)}}}));
  EXPECT_TRUE(PriceBook::build({price(july, 0)}, {{"a", {}}}));
}

TEST(Charge, ExistsForWhatWasSentAndForNothingElse) {
  for (const Unit unit : {Unit::message, Unit::recipient}) {
    const Price in_force = price(july, 100, unit);
    EXPECT_EQ(charge_for(Ending::sent, in_force), (Charge{unit, Money::milli_yen(100)}));
    for (const auto ending : {Ending::bounced, Ending::suppressed, Ending::expired,
                              Ending::cancelled, Ending::sandboxed}) {
      EXPECT_EQ(charge_for(ending, in_force), std::nullopt);
    }
  }
}

}  // namespace
}  // namespace ecrelay::policy

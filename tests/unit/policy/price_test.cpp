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

TEST(PriceChanges, AreWhatTheConfigurationSaysAndTheBookDoesNot) {
  const Price old{2024y / 7 / 1, Money::milli_yen(100), Unit::message};
  const Price next{2027y / 1 / 1, Money::milli_yen(120), Unit::message};
  Price dearer = old;
  dearer.yen = Money::milli_yen(200);
  const PriceLists noted{{"", {old, next}}, {"gone", {old}}};
  EXPECT_TRUE(price_changes(noted, noted, {"shop-a"}).empty());
  EXPECT_TRUE(price_changes(noted, {{"", {next, old}}}, {"shop-a"}).empty()) << "in any order";
  const auto changed = price_changes(noted, {{"", {dearer}}, {"shop-a", {old}}}, {"shop-a"});
  ASSERT_EQ(changed.size(), 3u);
  EXPECT_EQ(changed[0].price, dearer);
  EXPECT_EQ(changed[0].before, old);
  EXPECT_TRUE(changed[1].withdrawn);
  EXPECT_EQ(changed[1].price, next);
  EXPECT_EQ(changed[2].shop, "shop-a");
  EXPECT_FALSE(changed[2].before);
}

TEST(PriceChanges, NeverTouchADayThatHasBeenCharged) {
  const Price price{2026y / 11 / 23, Money::milli_yen(120), Unit::message};
  const PriceChange change{"", price, std::nullopt, false};
  EXPECT_FALSE(refusal_of(change, std::nullopt)) << "nothing charged yet";
  EXPECT_FALSE(refusal_of(change, 2026y / 11 / 22));
  for (const PriceChange& each :
       {change, PriceChange{"", price, price, true}, PriceChange{"shop-a", price, price, false}}) {
    const auto refused = refusal_of(each, 2026y / 11 / 23);
    ASSERT_TRUE(refused);
    EXPECT_NE(refused->detail.find("2026-11-24 or later"), std::string::npos) << refused->detail;
  }
}

}  // namespace
}  // namespace ecrelay::policy

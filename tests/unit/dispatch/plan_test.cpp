#include "dispatch/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ecrelay::dispatch {
namespace {

using testing::HasSubstr;

const TimePoint noon{Duration(1'800'000'000'000)};

config::Settings settings() {
  config::Settings result;
  result.hostname = "relay.example.jp";
  config::Shop shop;
  shop.id = "shop-a";
  result.shops.push_back(shop);
  for (const char* name : {"default", "bulk"}) {
    config::Upstream upstream;
    upstream.name = name;
    upstream.servers.resize(1);
    upstream.servers[0].address = {"smtp.example.net", 587};
    result.upstreams.push_back(upstream);
  }
  return result;
}

Routes routes(const config::Settings& from, const Routes& before = {}) {
  auto plan = make_plan(from, before, noon);
  EXPECT_TRUE(plan) << plan.error().detail;
  return plan->routes;
}

TEST(Plan, KeepsTheRoutesThatAreAsBefore) {
  const Routes before = routes(settings());
  config::Settings changed = settings();
  changed.upstreams[1].connections = 3;
  const Routes after = routes(changed, before);
  EXPECT_EQ(after.at("default"), before.at("default"));
  EXPECT_NE(after.at("bulk"), before.at("bulk"));
  EXPECT_EQ(after.at("bulk")->settings.connections, 3U);
}

TEST(Plan, ANewMinimumOfTlsChangesEveryRoute) {
  const Routes before = routes(settings());
  config::Settings changed = settings();
  changed.tls.minimum = config::TlsVersion::v1_3;
  EXPECT_NE(routes(changed, before).at("default"), before.at("default"));
}

TEST(Plan, TellsEverythingThatIsWrong) {
  config::Settings wrong = settings();
  wrong.upstreams[0].ca = "/nonexistent/ca.pem";
  wrong.billing.prices = {{std::chrono::year_month_day{std::chrono::year(2100) / 1 / 1},
                           Money::milli_yen(100), config::ChargeUnit::message}};
  const auto plan = make_plan(wrong, {}, noon);
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error().detail, HasSubstr("upstream 'default': cannot read ca"));
  EXPECT_THAT(plan.error().detail, HasSubstr("no price is in force today for shop 'shop-a'"));
}

}  // namespace
}  // namespace ecrelay::dispatch

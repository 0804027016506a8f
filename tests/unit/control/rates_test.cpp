#include "control/rates.h"

#include <gtest/gtest.h>

namespace ecrelay::control {
namespace {

using namespace std::chrono_literals;

double sent(const Rates& rates, std::uint64_t total, net::Deadline at) {
  Totals totals;
  totals.recipients_sent = total;
  return rates.over_last_minute(totals, at).at("recipients_sent").get_double();
}

TEST(Rates, AreZeroBeforeThereIsAnythingToCompareWith) {
  const net::Deadline start{};
  Rates rates;
  EXPECT_EQ(sent(rates, 5, start), 0.0);
  rates.sample(Totals(), start);
  EXPECT_EQ(sent(rates, 5, start), 0.0);
}

TEST(Rates, LookBackOverTheLastMinuteOnly) {
  const net::Deadline start{};
  Rates rates;
  Totals totals;
  totals.recipients_sent = 1'000'000;  // long ago
  for (int i = 0; i <= 12; ++i) rates.sample(totals, start + i * Rates::interval);
  totals.recipients_sent += 60;
  EXPECT_EQ(sent(rates, totals.recipients_sent, start + 130s), 1.0);
}

}  // namespace
}  // namespace ecrelay::control

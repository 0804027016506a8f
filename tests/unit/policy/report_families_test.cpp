#include <gtest/gtest.h>

#include "report_score.h"

// The corpus is what happened to be kept; these mails are composed from what is public about each
// server's reports, with other hosts and wordings, so that rules are measured beyond it.

namespace ecrelay::policy {
namespace {

TEST(ReportFamilies, EveryServersOwnWayToSayItIsRead) {
  const Scores scores = score(families());
  print(scores);
  for (const auto& [name, score] : scores) {
    EXPECT_GE(percent(score.recipient, score.results), 97) << name;
    EXPECT_GE(percent(score.action, score.results), 97) << name;
    EXPECT_GE(percent(score.codes, score.results), 92) << name;
    EXPECT_GE(percent(score.decided, score.results), 97) << name;
    EXPECT_EQ(score.misses, 0) << name;
    EXPECT_EQ(score.false_suppressions, 0) << name;
    EXPECT_EQ(score.from_nothing, 0) << name;
  }
}

}  // namespace
}  // namespace ecrelay::policy

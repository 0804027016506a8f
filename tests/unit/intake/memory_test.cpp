#include "intake/memory.h"

#include <gtest/gtest.h>

namespace ecrelay::intake {
namespace {

TEST(MemoryBudget, GivesNoMoreThanItHas) {
  MemoryBudget budget(1000);
  MemoryBudget::Share first(budget);
  MemoryBudget::Share second(budget);
  EXPECT_TRUE(first.take(600));
  EXPECT_FALSE(second.take(401));
  EXPECT_EQ(budget.used(), 600U) << "a refusal takes nothing";
  EXPECT_TRUE(second.take(400));
}

TEST(MemoryBudget, AShareThatGoesGivesBackWhatItHeld) {
  MemoryBudget budget(1000);
  {
    MemoryBudget::Share share(budget);
    ASSERT_TRUE(share.take(1000));
    EXPECT_EQ(budget.used(), 1000U);
  }
  EXPECT_EQ(budget.used(), 0U);
}

TEST(MemoryBudget, CountsWhatCouldNotBeAskedForBeforehand) {
  MemoryBudget budget(1000, 300);
  MemoryBudget::Share first(budget);
  MemoryBudget::Share second(budget);
  first.count(950);
  EXPECT_EQ(first.held(), 950U);
  EXPECT_FALSE(budget.admits_another());
  EXPECT_FALSE(second.take(100));
  EXPECT_TRUE(second.take(50)) << "counting took nobody's turn at the reserve";
  first.release();
  EXPECT_EQ(budget.used(), 50U);
}

TEST(MemoryBudget, KeepsATenthForMessagesThatHaveBegun) {
  MemoryBudget budget(1000);
  MemoryBudget::Share share(budget);
  EXPECT_TRUE(budget.admits_another());
  ASSERT_TRUE(share.take(900));
  EXPECT_FALSE(budget.admits_another());
  EXPECT_TRUE(share.take(100));
}

TEST(MemoryBudget, IsScarceWhenHalfOfItIsHeld) {
  MemoryBudget budget(1000);
  MemoryBudget::Share share(budget);
  ASSERT_TRUE(share.take(500));
  EXPECT_FALSE(budget.is_scarce());
  ASSERT_TRUE(share.take(1));
  EXPECT_TRUE(budget.is_scarce());
}

TEST(MemoryBudget, LetsOneOfThoseWhoWaitGoOnToTheEndAndThenTheNext) {
  int freed = 0;
  MemoryBudget budget(1000, 300, [&freed] { ++freed; });
  MemoryBudget::Share first(budget);
  MemoryBudget::Share second(budget);
  ASSERT_TRUE(first.take(350));
  ASSERT_TRUE(second.take(350));
  EXPECT_TRUE(first.take(100)) << "out of the reserve";
  EXPECT_FALSE(second.take(100)) << "which is for one alone";
  EXPECT_TRUE(first.take(200));
  EXPECT_FALSE(first.take(1)) << "and ends";
  first.release();
  EXPECT_EQ(freed, 1);
  EXPECT_TRUE(second.take(100));
  EXPECT_TRUE(second.take(550)) << "now it is the other's";
}

}  // namespace
}  // namespace ecrelay::intake

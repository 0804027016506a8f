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
    MemoryBudget::Share moved(std::move(share));
    EXPECT_EQ(budget.used(), 1000U) << "moving holds it once";
  }
  EXPECT_EQ(budget.used(), 0U);
}

TEST(MemoryBudget, KeepsATenthForMessagesThatHaveBegun) {
  MemoryBudget budget(1000);
  MemoryBudget::Share share(budget);
  EXPECT_TRUE(budget.admits_another());
  ASSERT_TRUE(share.take(900));
  EXPECT_FALSE(budget.admits_another());
  EXPECT_TRUE(share.take(100));
}

}  // namespace
}  // namespace ecrelay::intake

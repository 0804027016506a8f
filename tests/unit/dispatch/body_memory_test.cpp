#include "dispatch/body_memory.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <utility>

namespace ecrelay::dispatch {
namespace {

class Bodies : public testing::Test {
 protected:
  boost::asio::io_context context;
  BodyMemory memory{context.get_executor(), 1000};
};

TEST_F(Bodies, KeptSinceTheirAcceptanceLeaveAQuarterToThoseThatMustBeReadBack) {
  const auto kept = memory.keep(700);
  EXPECT_TRUE(kept);
  EXPECT_FALSE(memory.keep(51));
  EXPECT_EQ(memory.used(), 700U) << "a refusal takes nothing";
  const auto read = memory.fetch(300, false);
  EXPECT_TRUE(read);
  EXPECT_FALSE(memory.fetch(1, false));
}

TEST_F(Bodies, OfAnUpstreamThatHasNoneInHandGoOnEvenIfOthersHoldEverything) {
  const auto others = memory.fetch(1000, false);
  EXPECT_FALSE(memory.fetch(5000, false));
  const auto alone = memory.fetch(5000, true);
  EXPECT_TRUE(alone);
}

TEST_F(Bodies, GiveTheirMemoryBackWhereverTheyEndAndOnce) {
  {
    auto first = memory.fetch(400, false);
    auto moved = std::move(first);
    EXPECT_FALSE(first);
    EXPECT_EQ(memory.used(), 400U);
    BodyMemory::Share later;
    later = std::move(moved);
    EXPECT_EQ(memory.used(), 400U);
  }
  EXPECT_EQ(memory.used(), 0U);
}

}  // namespace
}  // namespace ecrelay::dispatch

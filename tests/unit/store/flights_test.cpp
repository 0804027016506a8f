#include "store/flights.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "unit/store/fixture.h"

namespace ecrelay::store {
namespace {

class FlightsTest : public testing::Test {
 protected:
  int folder() const { return directory_.number(); }
  static Flight flight(std::uint32_t first, std::uint32_t last) {
    Flight one;
    one.message = new_ulid(TimePoint(std::chrono::hours(480'000)));
    one.first = first;
    one.last = last;
    return one;
  }

  TemporaryDirectory temporary_;
  Descriptor directory_{::open(temporary_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
};

TEST_F(FlightsTest, OfARunThatWasKilledAreKnownToTheNextAndOthersAreNot) {
  const Flight lost = flight(2, 5);
  {
    Flights first(folder());
    EXPECT_TRUE(first.take_lost().empty());
    const auto landed = first.begin(flight(0, 0));
    first.begin(lost);
    first.landed(landed);
  }
  Flights second(folder());
  const auto found = second.take_lost();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].flight.message, lost.message);
  EXPECT_TRUE(found[0].flight.holds(2) && found[0].flight.holds(5));
  EXPECT_FALSE(found[0].flight.holds(1) || found[0].flight.holds(6));
  second.landed(found[0].slot);
  EXPECT_TRUE(Flights(folder()).take_lost().empty());
}

TEST_F(FlightsTest, ThatNobodyHasSettledAreStillLostAfterAnotherKill) {
  { Flights(folder()).begin(flight(0, 0)); }
  { Flights settles_nothing(folder()); }
  EXPECT_EQ(Flights(folder()).take_lost().size(), 1U);
}

TEST_F(FlightsTest, UseTheirPlacesAgain) {
  Flights flights(folder());
  for (int i = 0; i < 1000; ++i) flights.landed(flights.begin(flight(0, 0)));
  struct stat facts {};
  ASSERT_EQ(::fstatat(folder(), "flights", &facts, 0), 0);
  EXPECT_EQ(facts.st_size, 24);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
}

}  // namespace
}  // namespace ecrelay::store

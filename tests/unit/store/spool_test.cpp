#include "store/spool.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <fstream>

#include "unit/store/fixture.h"

namespace ecrelay::store {
namespace {

class SpoolTest : public testing::Test {
 protected:
  std::string segment(std::uint64_t number) const {
    return directory_.path() + "/" + Spool::name(number);
  }

  void flip(const std::string& path, std::uint64_t at) const {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
  }

  TemporaryDirectory directory_;
  Descriptor folder_{::open(directory_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  Spool spool_{folder_.number(), system_files(), 7, Spool::Settings{1'000}};
};

TEST_F(SpoolTest, GivesBackEachOfManyRecordsAcrossSegments) {
  std::vector<records::Location> places;
  for (unsigned n = 0; n < 20; ++n) places.push_back(spool_.append(id_of(n), "head", body_of(n)));
  spool_.sync();
  EXPECT_GT(places.back().segment, places.front().segment + 3);
  for (unsigned n = 0; n < 20; ++n) {
    const auto body = spool_.read(id_of(n), places[n]);
    ASSERT_TRUE(body) << body.error().detail;
    EXPECT_EQ(body->head, "head");
    EXPECT_EQ(body->body, body_of(n));
  }
}

TEST_F(SpoolTest, TellsDamageFromAMissingSegment) {
  const auto first = spool_.append(id_of(1), "head", body_of(1));
  const auto second = spool_.append(id_of(2), "head", body_of(2));
  spool_.sync();
  flip(segment(7), first.offset + 60);
  EXPECT_EQ(spool_.read(id_of(1), first).error().code, ErrorCode::invalid);
  EXPECT_TRUE(spool_.read(id_of(2), second)) << "one damaged record costs one message";
  std::filesystem::resize_file(segment(7), second.offset + 100);
  EXPECT_EQ(spool_.read(id_of(2), second).error().code, ErrorCode::invalid);
  spool_.remove(7);
  EXPECT_EQ(spool_.read(id_of(2), second).error().code, ErrorCode::not_found);
  EXPECT_NO_THROW(spool_.remove(7));
}

TEST_F(SpoolTest, DoesNotGiveOneMessageForAnother) {
  const auto place = spool_.append(id_of(1), "", body_of(1));
  EXPECT_FALSE(spool_.read(id_of(2), place));
}

TEST_F(SpoolTest, FollowsNoSymbolicLink) {
  const auto place = spool_.append(id_of(1), "", body_of(1));
  spool_.sync();
  std::filesystem::rename(segment(7), directory_.path() + "/elsewhere");
  std::filesystem::create_symlink(directory_.path() + "/elsewhere", segment(7));
  EXPECT_FALSE(spool_.read(id_of(1), place));
}

TEST_F(SpoolTest, NeverWritesIntoAFileThatIsThereAlready) {
  std::ofstream(segment(7)) << "torn end of an earlier run";
  EXPECT_THROW(spool_.append(id_of(1), "", body_of(1)), Failure);
}

TEST_F(SpoolTest, RefusesLengthsThatNoRecordHas) {
  records::Location place = spool_.append(id_of(1), "", body_of(1));
  place.body_length = 0xffff'ffff;
  EXPECT_EQ(spool_.read(id_of(1), place).error().code, ErrorCode::invalid);
}

TEST_F(SpoolTest, ListsSegmentsAndNothingElse) {
  for (const char* name : {"000000000000002a.seg", "000000000000002A.seg.bak", "2a.seg", "refused",
                           "00000000000000zz.seg", "ffffffffffffffff.seg"})
    std::ofstream(directory_.path() + "/" + name) << "x";
  EXPECT_EQ(Spool::segments(folder_.number()),
            (std::set<std::uint64_t>{0x2a, 0xffff'ffff'ffff'ffff}));
}

}  // namespace
}  // namespace ecrelay::store

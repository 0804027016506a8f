#include "store/move.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "unit/store/fixture.h"

/// Old messages do not hold whole segments: what is live is copied forward.
namespace ecrelay::store {
namespace {

using records::State;

constexpr std::uint64_t segment_size = 20'000;  // about 50 messages

class SparseSegments : public testing::Test {
 protected:
  SparseSegments() { open(); }
  ~SparseSegments() override {
    const std::string book = store_->book();
    store_.reset();
    EXPECT_EQ(contradictions(book), "");
  }

  void open() {
    store_.reset();
    Store::Settings with = settings(directory_.path());
    with.spool.segment_size = segment_size;
    store_ = std::make_unique<Store>(with);
  }
  Writer& writer() { return store_->writer(); }

  /// So many messages more, in one batch.
  void keep(unsigned count) {
    Gate gate(writer());
    std::vector<Answer<AcceptOutcome>> answers(count);
    for (auto& answer : answers) std::ignore = writer().accept(mail(next_++), answer.slot());
    gate.open();
    for (auto& answer : answers) where_.push_back(std::get<Stored>(answer.get()).location());
  }
  void finish(const std::vector<unsigned>& messages) {
    std::vector<Answer<Result<void>>> answers(messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i)
      writer().record(outcome(id_of(messages[i]), 0, State::sent), answers[i].slot());
    for (auto& answer : answers) EXPECT_TRUE(answer.get());
  }
  /// Until nothing is left to be moved or removed.
  void settle() {
    for (std::uint64_t before = 1, now = 0; before != now;) {
      before = writer().statistics().moved;
      for (int i = 0; i < 3; ++i) EXPECT_TRUE(change(writer(), [](Transaction&) {}));
      now = writer().statistics().moved;
    }
  }
  std::uint64_t bytes_on_disk() const {
    std::uint64_t bytes = 0;
    for (const auto& each : std::filesystem::directory_iterator(directory_.path() + "/spool"))
      bytes += each.file_size();
    return bytes;
  }
  std::uint64_t live_bytes() const {
    Connection book(store_->book(), Access::read, reader_patience);
    Rows rows = book.query("SELECT ifnull(sum(live_bytes), 0) FROM segment");
    rows.next();
    return rows.number<std::uint64_t>();
  }
  std::string file(const records::Location& location) const {
    return directory_.path() + "/spool/" + Spool::name(location.segment);
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Store> store_;
  unsigned next_ = 0;
  std::vector<records::Location> where_;  ///< by message, as it was accepted
};

TEST_F(SparseSegments, StragglersAreMovedAndTheirSegmentsGo) {
  keep(500);
  std::vector<unsigned> done;
  for (unsigned n = 0; n < 500; ++n)
    if (n % 50 != 7) done.push_back(n);
  finish(done);
  settle();
  EXPECT_GE(writer().statistics().moved, 9u);
  EXPECT_FALSE(std::filesystem::exists(file(where_[7])));
  EXPECT_LE(bytes_on_disk(), 4 * live_bytes() + segment_size);
  for (unsigned n = 7; n < 500; n += 50) {
    EXPECT_TRUE(holds(*store_, n)) << n;
    const auto body = store_->read(id_of(n), where_[n]);
    ASSERT_TRUE(body) << "who looked it up before the move does not find " << n;
    EXPECT_EQ(body->body, body_of(n));
  }
  open();
  EXPECT_TRUE(store_->start_report().segments_missing.empty());
  for (unsigned n = 7; n < 500; n += 50) EXPECT_TRUE(holds(*store_, n)) << n;
}

TEST_F(SparseSegments, TheSpoolIsNoLargerThanFourTimesWhatIsLiveWhateverEndsWhen) {
  std::mt19937 random(7);
  std::vector<unsigned> open_ones;
  for (int round = 0; round < 40; ++round) {
    for (unsigned n = next_; n < next_ + 100; ++n) open_ones.push_back(n);
    keep(100);
    std::shuffle(open_ones.begin(), open_ones.end(), random);
    const std::size_t stay = open_ones.size() / 10;  // a tenth stays each time
    finish(std::vector<unsigned>(open_ones.begin() + static_cast<long>(stay), open_ones.end()));
    open_ones.resize(stay);
    settle();
    ASSERT_LE(bytes_on_disk(), 4 * live_bytes() + segment_size) << "round " << round;
  }
  EXPECT_GT(writer().statistics().moved, 100u);
  for (const unsigned n : open_ones) EXPECT_TRUE(holds(*store_, n)) << n;
}

TEST_F(SparseSegments, ARecordThatCannotBeReadStaysWithItsSegmentAndTheOthersAreMoved) {
  keep(60);
  std::fstream(file(where_[3]), std::ios::in | std::ios::out | std::ios::binary)
      .seekp(static_cast<std::streamoff>(where_[3].offset + 100))
      .put('?');
  std::vector<unsigned> done;
  for (unsigned n = 0; n < 60; ++n)
    if (n != 3 && n != 4) done.push_back(n);
  finish(done);
  settle();
  EXPECT_TRUE(std::filesystem::exists(file(where_[3])));
  EXPECT_TRUE(holds(*store_, 4));
  EXPECT_EQ(writer().statistics().moved, 1u);
  EXPECT_EQ(writer().statistics().trouble, "") << "it is no reason to refuse mail";
}

TEST_F(SparseSegments, WhatEarlierRunsLeftIsFoundAmongTheBacklogAlsoAfterAMove) {
  keep(60);
  open();
  std::vector<unsigned> done;
  for (unsigned n = 1; n < 50; ++n) done.push_back(n);
  finish(done);
  settle();
  EXPECT_GE(writer().statistics().moved, 1u);
  std::vector<Ulid> found;
  QueueReader backlog(store_->book(), store_->last_of_earlier_runs());
  for (const QueueItem& item : backlog.next(100)) {
    found.push_back(item.message);
    EXPECT_TRUE(store_->read(item.message, item.location));
  }
  ASSERT_EQ(found.size(), 11u);
  EXPECT_EQ(found[0], id_of(0));
  keep(1);
  EXPECT_EQ(QueueReader(store_->book(), store_->last_of_earlier_runs()).next(100).size(), 11u)
      << "what this run accepts is announced, not found";
}

TEST_F(SparseSegments, AnEarlierRunsLastSegmentIsClearedToo) {
  keep(20);
  open();
  std::vector<unsigned> done;
  for (unsigned n = 1; n < 20; ++n) done.push_back(n);
  finish(done);
  settle();
  EXPECT_FALSE(std::filesystem::exists(file(where_[0])));
  EXPECT_TRUE(holds(*store_, 0));
}

}  // namespace
}  // namespace ecrelay::store

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "unit/store/faulty_disk.h"
#include "unit/store/fixture.h"

/// A disk that takes no more for a while: accepted mail stays, outcomes wait, new mail is refused,
/// and all goes on by itself when there is room again.
namespace ecrelay::store {
namespace {

using records::State;

class FullDisk : public testing::Test {
 protected:
  FullDisk() {
    Store::Settings with = settings(directory_.path());
    with.files = &disk_;
    with.vfs = FaultyDisk::vfs;
    with.writer.checkpoint_pages = 20;
    with.writer.troubled = hearing();
    store_ = std::make_unique<Store>(with);
    accept(writer(), mail(1));
    accept(writer(), mail(2));
  }
  ~FullDisk() override {
    EXPECT_FALSE(writer().broken());
    store_.reset();
    disk_.fails = nullptr;
    Store again(settings(directory_.path()));
    for (const unsigned n : {1u, 2u})
      EXPECT_TRUE(Inquiry(again.book()).trace(id_of(n))) << "accepted mail is lost";
    EXPECT_TRUE(holds(again, 2));
    EXPECT_EQ(contradictions(again.book()), "");
  }

  Writer& writer() { return store_->writer(); }
  std::function<void(const std::string&)> hearing() {
    return [this](const std::string& why) {
      const std::lock_guard lock(mutex_);
      told_.push_back(why);
      heard_.notify_all();
    };
  }
  bool has_ballast() const { return std::filesystem::exists(directory_.path() + "/ballast"); }
  /// From now on the steps that `which` names fail, until space_returns().
  void fill(std::function<bool(const std::string& step)> which) {
    full_ = true;
    disk_.fails = [this, which](const std::string& step) {
      return full_ && (step == "reserve" || which(step));
    };
  }
  void space_returns() { full_ = false; }
  /// Whether it has been told so many times that there is trouble, or none any more.
  bool told(std::size_t times) {
    std::unique_lock lock(mutex_);
    heard_.wait_for(lock, std::chrono::seconds(20), [&] { return told_.size() >= times; });
    return told_.size() == times;
  }
  bool stored(unsigned n) { return std::holds_alternative<Stored>(accept(writer(), mail(n))); }
  State state(unsigned n) { return Inquiry(store_->book()).trace(id_of(n))->recipients[0].state; }

  TemporaryDirectory directory_;
  FaultyDisk disk_{directory_.path()};
  std::atomic<bool> full_ = false;
  int frames_ = 0;
  bool committed_ = false;  ///< outlives the store, as what `fails` looks at must
  std::mutex mutex_;
  std::condition_variable heard_;
  std::vector<std::string> told_;
  std::unique_ptr<Store> store_;
};

TEST_F(FullDisk, TheBallastGivesOutcomesRoomAndMailIsRefusedUntilItFitsAgain) {
  ASSERT_TRUE(has_ballast());
  fill([this](const std::string& step) { return step == "write wal" && has_ballast(); });
  EXPECT_TRUE(record(writer(), outcome(id_of(1), 0, State::sent)));
  EXPECT_FALSE(has_ballast());
  EXPECT_TRUE(writer().short_of_space());
  EXPECT_FALSE(writer().stalled());
  EXPECT_NE(writer().statistics().trouble, "");
  const AcceptOutcome refused = accept(writer(), mail(3));
  ASSERT_TRUE(std::holds_alternative<Failed>(refused));
  EXPECT_NE(std::get<Failed>(refused).reason.find("full"), std::string::npos);
  EXPECT_TRUE(told(1));
  space_returns();
  ASSERT_TRUE(told(2));
  EXPECT_TRUE(stored(4));
  EXPECT_TRUE(has_ballast());
  EXPECT_FALSE(writer().short_of_space());
  EXPECT_EQ(writer().statistics().trouble, "");
  EXPECT_FALSE(Inquiry(store_->book()).trace(id_of(3)));
}

TEST_F(FullDisk, AnOutcomeThatFindsNoRoomWaitsAndIsWrittenWhenThereIsSome) {
  fill([](const std::string& step) { return step == "write wal"; });
  Answer<Result<void>> answer;
  writer().record(outcome(id_of(1), 0, State::sent), answer.slot());
  EXPECT_TRUE(std::holds_alternative<Failed>(accept(writer(), mail(3))));
  EXPECT_FALSE(change(writer(), [](Transaction& t) {
    t.book().execute("INSERT INTO daily (shop, day) VALUES ('x', '2025-11-23')");
  })) << "an operator is told at once";
  EXPECT_TRUE(writer().stalled());
  EXPECT_FALSE(answer.given());
  space_returns();
  EXPECT_TRUE(answer.get());
  EXPECT_EQ(state(1), State::sent);
  EXPECT_FALSE(writer().stalled());
  ASSERT_TRUE(told(2));
  EXPECT_TRUE(stored(4));
}

TEST_F(FullDisk, AnIoErrorOfAWriteIsATroubleThatPassesToo) {
  disk_.io_errors = true;
  fill([](const std::string& step) { return step == "write wal"; });
  Answer<Result<void>> answer;
  writer().record(outcome(id_of(1), 0, State::sent), answer.slot());
  EXPECT_TRUE(std::holds_alternative<Failed>(accept(writer(), mail(3))));
  space_returns();
  EXPECT_TRUE(answer.get());
  ASSERT_TRUE(told(2));
  EXPECT_TRUE(stored(4));
}

TEST_F(FullDisk, AReadOnlyFileSystemRefusesMailKeepsOutcomesAndIsLeftWithoutARestart) {
  fill([](const std::string& step) { return !step.starts_with("sync"); });
  Answer<Result<void>> answer;
  writer().record(outcome(id_of(1), 0, State::sent), answer.slot());
  EXPECT_TRUE(std::holds_alternative<Failed>(accept(writer(), mail(3))));
  EXPECT_TRUE(writer().stalled());
  space_returns();
  EXPECT_TRUE(answer.get());
  ASSERT_TRUE(told(2));
  EXPECT_TRUE(stored(4));
}

TEST_F(FullDisk, ASpoolThatTakesNoBodiesIsToldAndOutcomesGoOn) {
  fill([](const std::string& step) { return step == "append"; });
  EXPECT_TRUE(std::holds_alternative<Failed>(accept(writer(), mail(3))));
  EXPECT_TRUE(told(1));
  EXPECT_NE(writer().statistics().trouble, "");
  EXPECT_TRUE(record(writer(), outcome(id_of(1), 0, State::sent)));
  EXPECT_FALSE(writer().stalled());
  space_returns();
  ASSERT_TRUE(told(2)) << "though no mail came that could have tried";
  EXPECT_EQ(writer().statistics().trouble, "");
  EXPECT_TRUE(stored(4));
}

TEST_F(FullDisk, AnOutcomeWhoseReportFindsNoRoomWaitsWithIt) {
  fill([](const std::string& step) { return step == "append"; });
  Outcome bounced = outcome(id_of(1), 0, State::bounced);
  bounced.report = mail(3);
  Answer<Result<void>> answer;
  writer().record(bounced, answer.slot());
  while (!writer().stalled()) std::this_thread::yield();
  EXPECT_FALSE(answer.given());
  space_returns();
  EXPECT_TRUE(answer.get());
  EXPECT_EQ(state(1), State::bounced);
  EXPECT_TRUE(holds(*store_, 3)) << "the report";
}

TEST_F(FullDisk, ACheckpointThatFindsNoRoomLeavesAllInTheWalAndIsDoneLater) {
  fill([](const std::string& step) { return step == "write book"; });
  const auto before = std::filesystem::file_size(store_->book());
  for (unsigned n = 3; n < 40 && !writer().short_of_space(); ++n) accept(writer(), mail(n));
  ASSERT_TRUE(writer().short_of_space()) << "there was no checkpoint";
  EXPECT_EQ(std::filesystem::file_size(store_->book()), before);
  space_returns();
  ASSERT_TRUE(told(2));
  for (unsigned n = 40; n < 80; ++n) EXPECT_TRUE(stored(n));
  EXPECT_GT(std::filesystem::file_size(store_->book()), before);
}

TEST_F(FullDisk, StoppingDoesNotWaitForSpace) {
  fill([](const std::string& step) { return step == "write wal"; });
  Answer<Result<void>> answer;
  writer().record(outcome(id_of(1), 0, State::sent), answer.slot());
  writer().stop();
  EXPECT_FALSE(answer.get()) << "said to be on disk";
  EXPECT_EQ(state(1), State::queued);
}

TEST_F(FullDisk, WhatIsAbandonedThenIsTakenBackWhenThereIsRoom) {
  Answer<AcceptOutcome> answer;
  Gate gate(writer());
  Ticket ticket = writer().accept(mail(3), answer.slot());
  disk_.fails = [&](const std::string& step) {
    // The first commit after a checkpoint syncs the head of the WAL before it writes its frames.
    if (step == "sync spool") frames_ = 0;
    if (step == "write wal") ++frames_;
    if (step == "sync wal" && frames_ > 1 && !std::exchange(committed_, true)) {
      std::ignore = ticket.abandon();
      full_ = true;
      return false;
    }
    return full_ && (step == "reserve" || step == "write wal");
  };
  gate.open();
  while (!writer().stalled()) std::this_thread::yield();
  EXPECT_FALSE(answer.given()) << "it is in the book still";
  space_returns();
  EXPECT_TRUE(std::holds_alternative<Abandoned>(answer.get()));
  EXPECT_FALSE(Inquiry(store_->book()).trace(id_of(3)));
}

TEST_F(FullDisk, AtTheStartGivesUpTheBallastAndBeginsInTrouble) {
  store_.reset();
  fill([](const std::string&) { return false; });
  std::filesystem::remove(directory_.path() + "/ballast");
  Store::Settings with = settings(directory_.path());
  with.files = &disk_;
  with.writer.troubled = hearing();
  store_ = std::make_unique<Store>(with);
  ASSERT_TRUE(told(1));
  EXPECT_TRUE(std::holds_alternative<Failed>(accept(writer(), mail(3))));
  EXPECT_TRUE(record(writer(), outcome(id_of(1), 0, State::sent)));
  space_returns();
  ASSERT_TRUE(told(2));
  EXPECT_TRUE(stored(4));
}

}  // namespace
}  // namespace ecrelay::store

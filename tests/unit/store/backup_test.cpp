#include "store/backup.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <future>

#include "unit/store/fixture.h"

namespace ecrelay::store {
namespace {

using records::State;

TEST(ABackup, IsAStateDirectoryThatHoldsWhatWaitsAndWhatWas) {
  TemporaryDirectory directory, other;
  Store store(settings(directory.path()));
  accept(store.writer(), mail(1, 2));
  accept(store.writer(), mail(2));
  ASSERT_TRUE(record(store.writer(), outcome(id_of(2), 0, State::sent)));
  const BackupReport report = back_up(directory.path(), other.path() + "/copy");
  EXPECT_EQ(report.queued, 2);
  EXPECT_EQ(report.segments, 1u);
  EXPECT_GT(report.spool_bytes, 0u);
  accept(store.writer(), mail(3));

  Store copy(settings(other.path() + "/copy"));
  EXPECT_TRUE(copy.start_report().segments_missing.empty());
  EXPECT_TRUE(holds(copy, 1));
  EXPECT_FALSE(holds(copy, 3)) << "that came later";
  EXPECT_EQ(Inquiry(copy.book()).trace(id_of(2))->ledger.size(), 1u);
  ASSERT_TRUE(record(copy.writer(), outcome(id_of(1), 0, State::sent)));
  copy.writer().stop();
  EXPECT_EQ(contradictions(copy.book()), "");
}

TEST(ABackup, OfAStoreThatMovesAndRemovesSegmentsMeanwhileIsWhole) {
  TemporaryDirectory directory, other;
  Store::Settings with = settings(directory.path());
  with.spool.segment_size = 4'000;  // 10 messages
  Store store(with);
  std::atomic<bool> go_on = true;
  const auto traffic = std::async(std::launch::async, [&] {
    for (unsigned n = 0; go_on && n < 2'000; ++n) {
      accept(store.writer(), mail(n));
      if (n % 10 != 3) std::ignore = record(store.writer(), outcome(id_of(n), 0, State::sent));
    }
  });
  for (int i = 0; i < 15; ++i) {
    const std::string target = other.path() + "/" + std::to_string(i);
    const BackupReport report = back_up(directory.path(), target);
    EXPECT_TRUE(report.segments_missing.empty());
    Store copy(settings(target));
    EXPECT_TRUE(copy.start_report().segments_missing.empty());
    QueueReader queue(copy.book(), copy.last_of_earlier_runs());
    for (const QueueItem& item : queue.next(100'000))
      if (const auto body = copy.read(item.message, item.location); !body)
        ADD_FAILURE() << item.message.text() << ": " << body.error().detail;
    copy.writer().stop();
    EXPECT_EQ(contradictions(copy.book()), "");
  }
  go_on = false;
  traffic.wait();
  EXPECT_GT(store.writer().statistics().moved, 0u);
}

TEST(ABackup, IsRefusedByAFolderWithSomethingInItAndTouchesNothing) {
  TemporaryDirectory directory, other;
  Store store(settings(directory.path()));
  std::ofstream(other.path() + "/diary") << "mine";
  try {
    back_up(directory.path(), other.path());
    ADD_FAILURE() << "it was overwritten";
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("not an empty folder"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(other.path() + "/book.db"));
}

TEST(ABackup, TellsWhatTheOriginalLacks) {
  TemporaryDirectory directory, other;
  std::uint64_t segment = 0;
  {
    Store store(settings(directory.path()));
    segment = std::get<Stored>(accept(store.writer(), mail(1))).location().segment;
  }
  std::filesystem::remove(directory.path() + "/spool/" + Spool::name(segment));
  EXPECT_EQ(back_up(directory.path(), other.path()).segments_missing,
            std::set<std::uint64_t>{segment});
}

}  // namespace
}  // namespace ecrelay::store

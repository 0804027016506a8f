#include <gtest/gtest.h>

#include <map>
#include <set>
#include <thread>

#include "unit/store/faulty_disk.h"
#include "unit/store/fixture.h"

/// Faults of the disk: a fixed run of work is repeated with its n-th step failing, until none
/// fails, and what was answered is compared with what a fresh opening finds.
namespace ecrelay::store {
namespace {

using records::State;

/// What the work was told.
struct Told {
  std::set<unsigned> stored;
  std::set<unsigned> not_stored;
  std::set<unsigned> sent;  ///< whose outcome was recorded
  bool finished = false;    ///< no Failure, nobody was refused
};

class Work {
 public:
  Work(Store& store, Told& told) : writer_(store.writer()), told_(told) {}

  /// Enough for rotation, batches, taking back, moving, dead segments and checkpoints.
  void run() {
    for (unsigned n = 1; n <= 4; ++n) keep(n);
    batch_with_an_abandoned_one(5);
    for (unsigned n = 1; n <= 5; ++n) send(n);
    keep(9);  // in the next segment: 7 is now alone in the first, and is moved out of it
    send(9);
    keep(10);
    for (int i = 0; i < 3; ++i) {
      Answer<Result<void>> after;
      writer_.change([](Transaction&) {}, after.slot());
      std::ignore = comes(after);
    }
    told_.finished =
        told_.stored.size() == 8 && told_.sent.size() == 6 && writer_.statistics().moved == 1;
  }

 private:
  void keep(unsigned n) { file(n, accept(writer_, mail(n))); }

  void file(unsigned n, const AcceptOutcome& answer) {
    (std::holds_alternative<Stored>(answer) ? told_.stored : told_.not_stored).insert(n);
  }

  void send(unsigned n) {
    if (!told_.stored.contains(n)) return;
    Answer<Result<void>> answer;
    writer_.record(outcome(id_of(n), 0, State::sent), answer.slot());
    if (comes(answer) && answer.get()) told_.sent.insert(n);
  }

  /// On a disk that takes nothing any more some answers are waited for for ever.
  template <typename T>
  bool comes(const Answer<T>& answer) const {
    while (!answer.given() && !writer_.stalled()) std::this_thread::yield();
    return answer.given();
  }

  /// mail(n), n+1 (abandoned while its commit runs) and n+2 (the same key as n+1).
  void batch_with_an_abandoned_one(unsigned n) {
    Gate gate(writer_);
    Acceptance abandoned = mail(n + 1), same_key = mail(n + 2);
    abandoned.message.idempotency_key = same_key.message.idempotency_key = "order";
    std::vector<Answer<AcceptOutcome>> answers(3);
    Answer<Result<void>> during;
    std::ignore = writer_.accept(mail(n), answers[0].slot());
    Ticket ticket = writer_.accept(abandoned, answers[1].slot());
    writer_.change([&ticket](Transaction&) { std::ignore = ticket.abandon(); }, during.slot());
    std::ignore = writer_.accept(same_key, answers[2].slot());
    gate.open();
    for (unsigned i = 0; i < 3; ++i)
      if (comes(answers[i])) file(n + i, answers[i].get());
    std::ignore = comes(during);
  }

  Writer& writer_;
  Told& told_;
};

class Faults : public testing::Test {
 protected:
  /// Runs the work with the faults that `fails` chooses.
  static Told work_on(const std::string& directory, FaultyDisk& disk,
                      const std::function<bool(std::size_t, const std::string&)>& fails) {
    Told told;
    std::size_t step = 0;
    disk.fails = [&](const std::string& name) { return fails(step++, name); };
    try {
      Store::Settings with = settings(directory);
      with.spool.segment_size = 2'800;
      with.writer.checkpoint_pages = 20;
      with.files = &disk;
      with.vfs = FaultyDisk::vfs;
      Store store(with);
      Work(store, told).run();
    } catch (const Failure&) {
      // It did not open, and nothing was promised.
    }
    return told;
  }

  /// The steps of a run without faults, with their numbers; of a row of equal steps (the pages of
  /// one commit) the first and the last.
  static std::map<std::size_t, std::string> turning_points() {
    TemporaryDirectory directory;
    FaultyDisk disk(directory.path());
    EXPECT_TRUE(work_on(directory.path(), disk, [](std::size_t, const std::string&) {
                  return false;
                }).finished);
    const std::vector<std::string>& steps = disk.steps();
    std::map<std::size_t, std::string> points;
    for (std::size_t n = 0; n < steps.size(); ++n)
      if (n == 0 || n + 1 == steps.size() || steps[n] != steps[n - 1] || steps[n] != steps[n + 1])
        points[n] = steps[n];
    EXPECT_GT(points.size(), 100u);
    return points;
  }

  static void expect_promises_kept(const std::string& directory, const Told& told,
                                   const std::string& when) {
    Store store(settings(directory));
    EXPECT_EQ(contradictions(store.book()), "") << when;
    EXPECT_TRUE(store.start_report().segments_missing.empty()) << when;
    Inquiry inquiry(store.book());
    for (const unsigned n : told.stored) {
      const auto trace = inquiry.trace(id_of(n));
      ASSERT_TRUE(trace) << when << ": mail " << n << " was promised and is lost";
      if (trace->recipients[0].state != State::queued) continue;
      EXPECT_TRUE(holds(store, n)) << when << ": the body of mail " << n << " is lost";
    }
    for (const unsigned n : told.sent) {
      EXPECT_EQ(inquiry.trace(id_of(n))->recipients[0].state, State::sent)
          << when << ": mail " << n;
      EXPECT_EQ(inquiry.trace(id_of(n))->ledger.size(), 1u) << when << ": mail " << n;
    }
  }

  static void expect_refused_is_gone(const std::string& directory, const Told& told,
                                     const std::string& when) {
    Store store(settings(directory));
    Inquiry inquiry(store.book());
    for (const unsigned n : told.not_stored)
      EXPECT_FALSE(inquiry.trace(id_of(n)))
          << when << ": mail " << n << " was refused and is there";
  }
};

TEST_F(Faults, AnyOneStepMayFailAndEveryAnswerStaysTrue) {
  for (const auto& [n, name] : turning_points()) {
    TemporaryDirectory directory;
    FaultyDisk disk(directory.path());
    const Told told = work_on(directory.path(), disk,
                              [n = n](std::size_t step, const std::string&) { return step == n; });
    const std::string when = "step " + std::to_string(n) + " (" + name + ") failed";
    expect_promises_kept(directory.path(), told, when);
    expect_refused_is_gone(directory.path(), told, when);
    if (HasFailure()) break;
  }
}

TEST_F(Faults, AnyStepMayBeTheLastBeforeThePowerIsCutAndNoPromiseIsLost) {
  for (const auto& [n, name] : turning_points()) {
    TemporaryDirectory directory, afterwards;
    FaultyDisk disk(directory.path());
    const Told told = work_on(directory.path(), disk,
                              [n = n](std::size_t step, const std::string&) { return step >= n; });
    disk.restore_synced(afterwards.path());
    expect_promises_kept(afterwards.path(), told,
                         "power cut at step " + std::to_string(n) + " (" + name + ")");
    if (HasFailure()) break;
  }
}

TEST_F(Faults, AFullSpoolFailsTheMessageAndTheWriterLives) {
  TemporaryDirectory directory;
  FaultyDisk disk(directory.path());
  Store::Settings with = settings(directory.path());
  with.files = &disk;
  Store store(with);
  EXPECT_TRUE(std::holds_alternative<Stored>(accept(store.writer(), mail(1))));
  disk.fails = [](const std::string& step) { return step == "append"; };
  EXPECT_TRUE(std::holds_alternative<Failed>(accept(store.writer(), mail(2))));
  disk.fails = nullptr;
  EXPECT_TRUE(std::holds_alternative<Stored>(accept(store.writer(), mail(3))));
  EXPECT_TRUE(holds(store, 1));
  EXPECT_TRUE(holds(store, 3));
  EXPECT_FALSE(store.writer().broken());
}

TEST_F(Faults, ATornRecordThatCannotBeCutBackIsLeftBehindWithItsSegment) {
  TemporaryDirectory directory;
  FaultyDisk disk(directory.path());
  Store::Settings with = settings(directory.path());
  with.files = &disk;
  Store store(with);
  const auto first = std::get<Stored>(accept(store.writer(), mail(1)));
  disk.fails = [](const std::string& step) { return step == "append" || step == "truncate"; };
  EXPECT_TRUE(std::holds_alternative<Failed>(accept(store.writer(), mail(2))));
  disk.fails = nullptr;
  const auto third = std::get<Stored>(accept(store.writer(), mail(3)));
  EXPECT_NE(third.location().segment, first.location().segment);
  EXPECT_TRUE(holds(store, 1));
  EXPECT_TRUE(holds(store, 3));
}

/// A store whose sync of `file` fails once, just now.
class BrokenWriter : public testing::TestWithParam<const char*> {};

TEST_P(BrokenWriter, PromisesNothingAnyMoreAndSaysSoOnce) {
  TemporaryDirectory directory;
  FaultyDisk disk(directory.path());
  Store::Settings with = settings(directory.path());
  int calls = 0;
  with.writer.broken = [&calls](const std::string&) { ++calls; };
  with.files = &disk;
  with.vfs = FaultyDisk::vfs;
  {
    Store store(with);
    EXPECT_TRUE(std::holds_alternative<Stored>(accept(store.writer(), mail(1))));
    bool once = false;
    disk.fails = [&once](const std::string& step) {
      return step == GetParam() && !std::exchange(once, true);
    };
    EXPECT_TRUE(std::holds_alternative<Failed>(accept(store.writer(), mail(2))));
    // The next sync would succeed, and prove nothing.
    EXPECT_TRUE(std::holds_alternative<Failed>(accept(store.writer(), mail(3))));
    EXPECT_FALSE(record(store.writer(), outcome(id_of(1), 0, State::sent)));
    EXPECT_TRUE(store.writer().broken());
  }
  EXPECT_EQ(calls, 1);
  disk.fails = nullptr;
  Store again(settings(directory.path()));
  EXPECT_TRUE(holds(again, 1));
  EXPECT_FALSE(holds(again, 2));
  EXPECT_EQ(contradictions(again.book()), "");
  EXPECT_TRUE(std::holds_alternative<Stored>(accept(again.writer(), mail(2))));
}

INSTANTIATE_TEST_SUITE_P(AfterAFailedSync, BrokenWriter, testing::Values("sync spool", "sync wal"),
                         [](const auto& each) { return std::string(each.param).substr(5); });

TEST_F(Faults, RowsOfAFailedCommitComeBackAndAreTakenOutAtTheNextStart) {
  TemporaryDirectory directory;
  FaultyDisk disk(directory.path());
  Store::Settings with = settings(directory.path());
  with.files = &disk;
  with.vfs = FaultyDisk::vfs;
  {
    Store store(with);
    accept(store.writer(), mail(1));
    disk.fails = [](const std::string& step) { return step == "sync wal"; };
    EXPECT_TRUE(std::holds_alternative<Failed>(accept(store.writer(), mail(2))));
    disk.fails = nullptr;
  }
  EXPECT_EQ(Store(settings(directory.path())).start_report().refused_removed, 1);
  EXPECT_EQ(Store(settings(directory.path())).start_report().refused_removed, 0);
  EXPECT_FALSE(Inquiry(directory.path() + "/book.db").trace(id_of(2)));
}

TEST_F(Faults, AFailedSyncOfACheckpointEndsTheWriterAndKeepsTheWal) {
  TemporaryDirectory directory;
  FaultyDisk disk(directory.path());
  Store::Settings with = settings(directory.path());
  with.writer.checkpoint_pages = 1;
  with.files = &disk;
  with.vfs = FaultyDisk::vfs;
  {
    Store store(with);
    disk.fails = [](const std::string& step) { return step == "sync book"; };
    EXPECT_TRUE(std::holds_alternative<Stored>(accept(store.writer(), mail(1))));
    EXPECT_TRUE(std::holds_alternative<Failed>(accept(store.writer(), mail(2))));
    disk.fails = nullptr;
  }
  EXPECT_GT(std::filesystem::file_size(directory.path() + "/book.db-wal"), 0u);
  Store again(settings(directory.path()));
  EXPECT_TRUE(holds(again, 1));
}

}  // namespace
}  // namespace ecrelay::store

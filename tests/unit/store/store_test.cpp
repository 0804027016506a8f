#include "store/store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "unit/store/fixture.h"

namespace ecrelay::store {
namespace {

using records::State;

std::set<std::uint64_t> segments_in(const std::string& state_dir) {
  std::set<std::uint64_t> numbers;
  for (const auto& each : std::filesystem::directory_iterator(state_dir + "/spool"))
    numbers.insert(std::stoull(each.path().filename().string(), nullptr, 16));
  return numbers;
}

std::string refusal(const std::string& state_dir) {
  try {
    const Store store(settings(state_dir));
    return "";
  } catch (const Failure& failure) {
    return failure.what();
  }
}

TEST(OpeningAStore, KeepsEverythingForItsUserAlone) {
  TemporaryDirectory directory;
  Store store(settings(directory.path()));
  accept(store.writer(), mail(1));
  for (const auto& each : std::filesystem::recursive_directory_iterator(directory.path())) {
    struct stat facts {};
    ASSERT_EQ(::stat(each.path().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 077, 0u) << each.path();
  }
}

TEST(OpeningAStore, RefusesASecondInstanceAndSaysSo) {
  TemporaryDirectory directory;
  {
    const Store store(settings(directory.path()));
    EXPECT_NE(refusal(directory.path()).find("in use by another ecrelayd"), std::string::npos);
  }
  EXPECT_EQ(refusal(directory.path()), "") << "the lock goes with the store";
}

TEST(OpeningAStore, WaitsForAPredecessorThatIsAboutToEnd) {
  TemporaryDirectory directory;
  auto predecessor = std::make_unique<Store>(settings(directory.path()));
  Store::Settings patient = settings(directory.path());
  patient.predecessor = std::chrono::minutes(1);
  std::thread successor([&] { EXPECT_NO_THROW(Store{patient}); });
  predecessor.reset();
  successor.join();
}

TEST(OpeningAStore, RefusesAnUnfitDirectory) {
  TemporaryDirectory directory;
  EXPECT_NE(refusal(directory.path() + "/missing"), "");
  std::filesystem::create_directory(directory.path() + "/open");
  std::filesystem::permissions(directory.path() + "/open", std::filesystem::perms(0755));
  EXPECT_NE(refusal(directory.path() + "/open").find("chmod 700"), std::string::npos);
  std::filesystem::permissions(directory.path() + "/open", std::filesystem::perms(0700));
  std::filesystem::create_directory_symlink(directory.path() + "/open", directory.path() + "/link");
  EXPECT_NE(refusal(directory.path() + "/link"), "");
  EXPECT_NE(refusal(directory.path() + "/link/"), "");
  EXPECT_EQ(refusal(directory.path() + "/open/"), "");
  std::filesystem::remove_all(directory.path() + "/open/spool");
  std::filesystem::create_directory_symlink("/tmp", directory.path() + "/open/spool");
  EXPECT_NE(refusal(directory.path() + "/open"), "");
}

TEST(OpeningAStore, BeginsANewSegmentBehindATornOne) {
  TemporaryDirectory directory;
  std::uint64_t before = 0;
  {
    Store store(settings(directory.path()));
    before = std::get<Stored>(accept(store.writer(), mail(1))).location().segment;
  }
  std::ofstream(directory.path() + "/spool/" + Spool::name(before), std::ios::app) << "ECRS torn";
  Store store(settings(directory.path()));
  EXPECT_GT(std::get<Stored>(accept(store.writer(), mail(2))).location().segment, before);
  EXPECT_TRUE(holds(store, 1));
  EXPECT_TRUE(holds(store, 2));
}

TEST(OpeningAStore, RemovesSegmentsThatNoOpenMessageNeedsAndMissesThoseOneDoes) {
  TemporaryDirectory directory;
  std::uint64_t needed = 0;
  {
    Store store(settings(directory.path()));
    needed = std::get<Stored>(accept(store.writer(), mail(1))).location().segment;
  }
  std::ofstream(directory.path() + "/spool/" + Spool::name(needed + 5)) << "a body without a row";
  {
    const Store store(settings(directory.path()));
    EXPECT_EQ(store.start_report().segments_removed, 1u);
    EXPECT_EQ(segments_in(directory.path()), std::set<std::uint64_t>{needed});
    EXPECT_TRUE(store.start_report().segments_missing.empty());
    EXPECT_GT(store.first_segment(), needed + 5);
  }
  std::filesystem::remove(directory.path() + "/spool/" + Spool::name(needed));
  EXPECT_EQ(Store(settings(directory.path())).start_report().segments_missing,
            std::set<std::uint64_t>{needed});
}

TEST(AStore, RemovesASegmentWithItsLastOpenMessageAndNotBefore) {
  TemporaryDirectory directory;
  Store::Settings with = settings(directory.path());
  with.spool.segment_size = 1'000;  // two messages
  Store store(with);
  std::vector<std::uint64_t> in;
  for (unsigned n = 0; n < 6; ++n)
    in.push_back(std::get<Stored>(accept(store.writer(), mail(n, 2))).location().segment);
  ASSERT_EQ(in[0], in[1]);
  ASSERT_NE(in[1], in[2]);
  for (unsigned n = 0; n < 2; ++n)
    for (std::uint32_t r = 0; r < 2; ++r) {
      EXPECT_TRUE(segments_in(directory.path()).contains(in[0])) << n << r;
      ASSERT_TRUE(record(store.writer(), outcome(id_of(n), r, State::sent)));
    }
  ASSERT_TRUE(change(store.writer(), [](Transaction&) {}));  // the removal comes after the answer
  EXPECT_FALSE(segments_in(directory.path()).contains(in[0]));
  EXPECT_TRUE(segments_in(directory.path()).contains(in[2]));
  EXPECT_TRUE(holds(store, 2));
  store.writer().stop();
  EXPECT_EQ(contradictions(store.book()), "");
}

TEST(AStore, QueuesTheReportInTheTransactionOfItsOutcomeAndOnlyOnce) {
  TemporaryDirectory directory;
  Store store(settings(directory.path()));
  accept(store.writer(), mail(1));
  Outcome bounced = outcome(id_of(1), 0, State::bounced, noon);
  bounced.report = mail(2);
  bounced.report->message.kind = records::Kind::report;
  ASSERT_TRUE(record(store.writer(), bounced));
  ASSERT_TRUE(record(store.writer(), bounced)) << "said twice";

  QueueReader queue(store.book(), store.last_of_earlier_runs());
  const auto waiting = queue.of(id_of(2));
  ASSERT_EQ(waiting.size(), 1U);
  EXPECT_EQ(waiting[0].kind, records::Kind::report);
  EXPECT_EQ(store.read(id_of(2), waiting[0].location).value().body, body_of(2));
  EXPECT_FALSE(record(store.writer(), outcome(id_of(1), 0, State::sent, noon)));
}

TEST(AStore, RemembersThatASenderWasWarned) {
  TemporaryDirectory directory;
  Store store(settings(directory.path()));
  accept(store.writer(), mail(1));
  Outcome deferred = outcome(id_of(1), 0, State::queued, noon);
  deferred.recipients[0].warned = true;
  ASSERT_TRUE(record(store.writer(), deferred));
  deferred.recipients[0].warned = false;
  ASSERT_TRUE(record(store.writer(), deferred));
  EXPECT_TRUE(QueueReader(store.book(), store.last_of_earlier_runs()).of(id_of(1)).at(0).warned);
}

TEST(AStore, KnowsItsFreeSpace) {
  TemporaryDirectory directory;
  const Store store(settings(directory.path()));
  EXPECT_GT(store.space().free, 0u);
  EXPECT_GE(store.space().total, store.space().free);
}

TEST(AStore, KilledWithoutWarningHasEverythingItAnswered) {
  TemporaryDirectory directory;
  const pid_t child = ::fork();
  if (child == 0) {
    Store store(settings(directory.path()));
    for (unsigned n = 0; n < 20; ++n)
      if (!std::holds_alternative<Stored>(accept(store.writer(), mail(n)))) ::_exit(1);
    ::_exit(0);  // no destructor runs, nothing is flushed
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  Store store(settings(directory.path()));
  for (unsigned n = 0; n < 20; ++n) EXPECT_TRUE(holds(store, n)) << n;
  EXPECT_EQ(contradictions(store.book()), "");
}

}  // namespace
}  // namespace ecrelay::store

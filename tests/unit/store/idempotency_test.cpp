#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/messages.h"
#include "unit/store/fixture.h"

/// X-ECRelay-Idempotency-Key: the same answer and no second message.
namespace ecrelay::store {
namespace {

Acceptance keyed(unsigned n, const std::string& key, TimePoint at = noon) {
  Acceptance acceptance = mail(n);
  acceptance.message.idempotency_key = key;
  acceptance.message.accepted_at = at;
  return acceptance;
}

bool is_duplicate_of(const AcceptOutcome& answer, unsigned first) {
  const auto* duplicate = std::get_if<Duplicate>(&answer);
  return duplicate != nullptr && duplicate->first == id_of(first);
}

std::int64_t keys_in(const std::string& book) {
  Connection connection(book, Access::read, reader_patience);
  Rows rows = connection.query("SELECT count(*) FROM idempotency");
  rows.next();
  return rows.integer();
}

TEST(AnIdempotencyKey, StandsForItsFirstMessageFor32DaysAndThenForANewOne) {
  TemporaryDirectory directory;
  Store store(settings(directory.path()));
  accept(store.writer(), keyed(1, "order"));
  const TimePoint end = noon + idempotency_lifetime;
  EXPECT_TRUE(is_duplicate_of(accept(store.writer(), keyed(2, "order", end - Duration(1))), 1));
  EXPECT_TRUE(std::holds_alternative<Stored>(accept(store.writer(), keyed(3, "order", end))));
  EXPECT_TRUE(is_duplicate_of(accept(store.writer(), keyed(4, "order", end)), 3));
}

TEST(AnIdempotencyKey, IsRemovedAfterItsTimeAFewAtEachNewOneAndNoneBefore) {
  TemporaryDirectory directory;
  Store store(settings(directory.path()));
  for (unsigned n = 0; n < 20; ++n) accept(store.writer(), keyed(n, "old-" + std::to_string(n)));
  const TimePoint later = noon + idempotency_lifetime;
  accept(store.writer(), keyed(20, "young", later - Duration(1)));
  EXPECT_EQ(keys_in(store.book()), 21);
  accept(store.writer(), keyed(21, "new", later));
  EXPECT_EQ(keys_in(store.book()), 21 + 1 - 4) << "one insert may not do the work of all";
  for (unsigned n = 22; n < 30; ++n)
    accept(store.writer(), keyed(n, "new-" + std::to_string(n), later));
  EXPECT_EQ(keys_in(store.book()), 10) << "young and the new ones";
}

TEST(AnIdempotencyKey, GivenBackByAMessageThatWasTakenBackIsFree) {
  TemporaryDirectory directory;
  Store store(settings(directory.path()));
  accept(store.writer(), keyed(1, "order"));
  const TimePoint later = noon + idempotency_lifetime;
  accept(store.writer(), keyed(2, "order", later));
  ASSERT_TRUE(change(store.writer(), [](Transaction& t) { take_back(t, id_of(2)); }));
  EXPECT_TRUE(std::holds_alternative<Stored>(accept(store.writer(), keyed(3, "order", later))));
}

TEST(AnIdempotencyKey, HoldsAcrossAKillWhicheverOfTwoCopiesThatCameAtOnceWasFirst) {
  TemporaryDirectory directory;
  const pid_t child = ::fork();
  if (child == 0) {
    Store store(settings(directory.path()));
    Gate gate(store.writer());
    Answer<AcceptOutcome> a, b;
    std::ignore = store.writer().accept(keyed(1, "order"), a.slot());
    std::ignore = store.writer().accept(keyed(2, "order"), b.slot());
    gate.open();
    const bool as_promised = std::holds_alternative<Stored>(a.get()) && is_duplicate_of(b.get(), 1);
    ::_exit(as_promised ? 0 : 1);  // no destructor runs, nothing is flushed
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  Store store(settings(directory.path()));
  EXPECT_TRUE(is_duplicate_of(accept(store.writer(), keyed(3, "order")), 1));
  EXPECT_TRUE(holds(store, 1));
  EXPECT_FALSE(holds(store, 2));
}

}  // namespace
}  // namespace ecrelay::store

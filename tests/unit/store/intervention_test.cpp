#include "store/intervention.h"

#include <gtest/gtest.h>

#include "unit/store/fixture.h"

namespace ecrelay::store {
namespace {

using records::State;

class Interventions : public testing::Test {
 protected:
  Interventions() { accept(writer(), mail(1, 2)); }
  ~Interventions() override {
    const std::string book = store_->book();
    store_.reset();
    EXPECT_EQ(contradictions(book), "");
  }

  Writer& writer() { return store_->writer(); }
  std::int64_t hold(const Chosen& chosen) {
    std::int64_t count = 0;
    EXPECT_TRUE(change(writer(), [&](Transaction& t) { count = store::hold(t, chosen); }));
    return count;
  }
  std::int64_t release(const Chosen& chosen, TimePoint at) {
    std::int64_t count = 0;
    EXPECT_TRUE(change(writer(), [&](Transaction& t) { count = store::release(t, chosen, at); }));
    return count;
  }
  Cancelled cancel(const Chosen& chosen, TimePoint at = noon) {
    Cancelled cancelled;
    EXPECT_TRUE(change(writer(), [&](Transaction& t) {
      cancelled = store::cancel(t, chosen, at, "cancelled by taro: wrong price");
    }));
    return cancelled;
  }
  records::Recipient recipient(std::uint32_t n) {
    return Inquiry(store_->book()).trace(id_of(1))->recipients[n];
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Store> store_ = std::make_unique<Store>(settings(directory_.path()));
  const Chosen all_{id_of(1), std::nullopt};
};

TEST_F(Interventions, WhatIsHeldIsNotInTheQueueUntilItIsReleasedAndDueThenAtOnce) {
  EXPECT_EQ(hold(all_), 2);
  EXPECT_EQ(hold(all_), 0) << "held once";
  EXPECT_TRUE(QueueReader(store_->book(), store_->last_of_earlier_runs()).of(id_of(1)).empty());
  EXPECT_EQ(Inquiry(store_->book()).totals().held, 2);
  const TimePoint later = noon + std::chrono::hours(3);
  EXPECT_EQ(release(all_, later), 2);
  EXPECT_EQ(recipient(0).state, State::queued);
  EXPECT_EQ(recipient(0).due, later);
  EXPECT_EQ(release(all_, later), 0);
}

TEST_F(Interventions, CancelledIsFinalCountedOnItsDayAndNeverCharged) {
  hold(Chosen{id_of(1), "example.jp"});
  release(all_, noon);
  EXPECT_EQ(cancel(all_).queued, 2);
  EXPECT_EQ(cancel(all_).queued, 0);
  EXPECT_EQ(recipient(0).state, State::cancelled);
  EXPECT_EQ(recipient(0).finished_at, noon);
  EXPECT_EQ(recipient(0).reply, "cancelled by taro: wrong price");
  UsageQuery query;
  query.from = query.to = billing_day(noon);
  EXPECT_EQ(Inquiry(store_->book()).total(query).cancelled, 2);
  EXPECT_FALSE(record(writer(), outcome(id_of(1), 0, State::sent))) << "a second final state";
  EXPECT_TRUE(Inquiry(store_->book()).trace(id_of(1))->ledger.empty());
}

TEST_F(Interventions, WhatIsHeldCanBeCancelled) {
  hold(all_);
  const Cancelled cancelled = cancel(all_);
  EXPECT_EQ(cancelled.queued, 0);
  EXPECT_EQ(cancelled.held, 2);
}

TEST_F(Interventions, ADomainMeansItsRecipientsOnly) {
  Acceptance mixed = mail(2, 2);
  mixed.recipients[1].key = "jiro@notexample.jp";
  accept(writer(), mixed);
  EXPECT_EQ(hold(Chosen{id_of(2), "example.jp"}), 1);
  EXPECT_EQ(cancel(Chosen{id_of(2), "other.example"}).queued, 0);
  EXPECT_EQ(Inquiry(store_->book()).totals().held, 1);
}

TEST_F(Interventions, AnAttemptThatIsStillRecordedForAHeldRecipientWins) {
  hold(all_);
  ASSERT_TRUE(record(writer(), outcome(id_of(1), 0, State::sent)));
  EXPECT_EQ(recipient(0).state, State::sent);
  EXPECT_EQ(release(all_, noon), 1) << "only the other one is held";
  EXPECT_EQ(Inquiry(store_->book()).trace(id_of(1))->ledger.size(), 1u);
}

TEST_F(Interventions, WhatIsFinalIsLeftAlone) {
  ASSERT_TRUE(record(writer(), outcome(id_of(1), 0, State::sent)));
  EXPECT_EQ(cancel(all_).queued, 1);
  EXPECT_EQ(recipient(0).state, State::sent);
  EXPECT_FALSE(change(writer(), [](Transaction& t) {
    store::cancel(t, Chosen{id_of(9), {}}, noon, "");
  }));
}

}  // namespace
}  // namespace ecrelay::store

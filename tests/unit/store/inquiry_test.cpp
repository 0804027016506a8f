#include "store/inquiry.h"

#include <gtest/gtest.h>

#include "unit/store/fixture.h"

namespace ecrelay::store {
namespace {

using records::State;

class InquiryTest : public testing::Test {
 protected:
  /// Waits for nothing: the next message, due `minutes` after noon.
  void keep(unsigned n, const std::string& shop, const std::string& key, int minutes) {
    Acceptance each = mail(n);
    each.message.shop = shop;
    each.recipients[0].key = key;
    each.recipients[0].due = noon + std::chrono::minutes(minutes);
    accept(store_->writer(), each);
  }
  std::vector<QueueItem> page_all(std::size_t limit) {
    QueueReader reader(store_->book(), store_->last_of_earlier_runs());
    std::vector<QueueItem> items;
    for (auto page = reader.next(limit); !page.empty(); page = reader.next(limit))
      items.insert(items.end(), page.begin(), page.end());
    return items;
  }
  void open() {
    store_.reset();
    store_ = std::make_unique<Store>(settings(directory_.path()));
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Store> store_ = std::make_unique<Store>(settings(directory_.path()));
};

TEST_F(InquiryTest, TheQueueIsPagedInOrderOfDueTimeWhateverThePage) {
  for (unsigned n = 0; n < 20; ++n) keep(n, "shop-a", "a@example.jp", static_cast<int>(n * 7 % 5));
  ASSERT_TRUE(record(store_->writer(), outcome(id_of(3), 0, State::sent)));
  open();
  const auto whole = page_all(1'000);
  ASSERT_EQ(whole.size(), 19u);
  for (std::size_t i = 1; i < whole.size(); ++i)
    EXPECT_LT(std::pair(whole[i - 1].due, whole[i - 1].message),
              std::pair(whole[i].due, whole[i].message));
  for (std::size_t limit = 1; limit < 20; ++limit) {
    const auto paged = page_all(limit);
    ASSERT_EQ(paged.size(), whole.size()) << limit;
    for (std::size_t i = 0; i < paged.size(); ++i) EXPECT_EQ(paged[i].message, whole[i].message);
  }
  EXPECT_EQ(whole[0].shop, "shop-a");
  EXPECT_EQ(whole[0].upstream, "default");
  EXPECT_EQ(whole[0].sender, "shop@shop-a.example");
  EXPECT_TRUE(store_->read(whole[0].message, whole[0].location));
}

TEST_F(InquiryTest, TheBacklogHoldsNothingOfThisRun) {
  keep(1, "shop-a", "a@example.jp", 0);
  open();
  keep(2, "shop-a", "a@example.jp", 0);
  const auto items = page_all(10);
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].message, id_of(1));
}

TEST_F(InquiryTest, WhatIsQueuedOfOneMessageIsFoundInWhicheverRun) {
  accept(store_->writer(), mail(1, 3));
  accept(store_->writer(), mail(2));
  ASSERT_TRUE(record(store_->writer(), outcome(id_of(1), 1, State::bounced)));
  QueueReader reader(store_->book(), store_->last_of_earlier_runs());
  const auto items = reader.of(id_of(1));
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0].n, 0u);
  EXPECT_EQ(items[1].n, 2u);
  EXPECT_EQ(items[1].key, "user2@example.jp");
  EXPECT_TRUE(reader.of(id_of(9)).empty());
}

TEST_F(InquiryTest, RetryMakesDueWhatTheFilterMeansAndNoMore) {
  keep(1, "shop-a", "a@example.jp", 10);
  keep(2, "shop-b", "a@example.jp", 10);
  keep(3, "shop-b", "a@mail.example.jp", 10);
  keep(4, "shop-b", "a@example.jp", 0);
  const auto retried = [&](const QueueFilter& filter, std::int64_t limit = 100) {
    std::int64_t count = 0;
    EXPECT_TRUE(
        change(store_->writer(), [&](Transaction& t) { count = retry(t, filter, noon, limit); }));
    return count;
  };
  EXPECT_EQ(retried(QueueFilter{id_of(1), {}, "other.example"}), 0);
  EXPECT_EQ(retried(QueueFilter{id_of(1), {}, {}}), 1);
  EXPECT_EQ(retried(QueueFilter{{}, {}, "example.jp"}), 1);
  EXPECT_EQ(retried(QueueFilter{{}, "shop-a", {}}), 0);
  EXPECT_EQ(retried(QueueFilter{}, 5), 1);
  for (const auto& row : Inquiry(store_->book()).queue({}, State::queued, 10))
    EXPECT_EQ(row.recipient.due, noon);
}

TEST_F(InquiryTest, TheQueueIsListedByFilterAndState) {
  keep(1, "shop-a", "a@example.jp", 10);
  keep(2, "shop-b", "b@example.jp", 5);
  keep(3, "shop-b", "b@mail.example.jp", 7);
  ASSERT_TRUE(record(store_->writer(), outcome(id_of(3), 0, State::bounced)));
  Inquiry inquiry(store_->book());
  const auto all = inquiry.queue({}, State::queued, 10);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].recipient.message, id_of(2)) << "the next due first";
  EXPECT_EQ(all[0].shop, "shop-b");
  EXPECT_EQ(all[0].upstream, "default");
  EXPECT_EQ(all[0].subject, "ご注文ありがとうございます");
  EXPECT_EQ(inquiry.queue({}, State::queued, 1).size(), 1u);
  EXPECT_EQ(inquiry.queue(QueueFilter{{}, "shop-a", {}}, State::queued, 10).size(), 1u);
  EXPECT_EQ(inquiry.queue(QueueFilter{{}, {}, "example.jp"}, State::queued, 10).size(), 2u);
  EXPECT_EQ(inquiry.queue(QueueFilter{id_of(3), {}, {}}, State::bounced, 10).size(), 1u);
  const QueueTotals totals = inquiry.totals();
  EXPECT_EQ(totals.queued, 2);
  EXPECT_EQ(totals.held, 0);
  EXPECT_EQ(totals.oldest_due, noon + std::chrono::minutes(5));
}

TEST_F(InquiryTest, AMessageIsFoundByIdMessageIdAndAddress) {
  keep(1, "shop-a", "a@example.jp", 0);
  keep(2, "shop-a", "a@example.jp", 0);
  Inquiry inquiry(store_->book());
  EXPECT_EQ(inquiry.trace(id_of(1))->message.client, "192.0.2.7");
  EXPECT_FALSE(inquiry.trace(id_of(9)));
  ASSERT_EQ(inquiry.trace_message_id("<2@shop-a.example>", 10).size(), 1u);
  EXPECT_TRUE(inquiry.trace_message_id("", 10).empty());
  const auto found = inquiry.trace_recipient("a@example.jp", 10);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].message.id, id_of(2)) << "the newest first";
  EXPECT_EQ(inquiry.trace_recipient("a@example.jp", 1).size(), 1u);
}

TEST_F(InquiryTest, UsageIsByTheDayThingsCameAbout) {
  keep(1, "shop-a", "a@example.jp", 0);
  keep(2, "shop-b", "a@example.jp", 0);
  const TimePoint tomorrow = noon + std::chrono::days(1);
  ASSERT_TRUE(record(store_->writer(), outcome(id_of(1), 0, State::sent, tomorrow)));
  ASSERT_TRUE(record(store_->writer(), outcome(id_of(2), 0, State::expired, noon)));
  Inquiry inquiry(store_->book());
  UsageQuery query{billing_day(noon), billing_day(tomorrow), {}, UsageQuery::By::day};
  const auto days = inquiry.usage(query);
  ASSERT_EQ(days.size(), 2u);
  EXPECT_EQ(days[0].label, to_text(billing_day(noon)));
  EXPECT_EQ(days[0].usage.messages, 2);
  EXPECT_EQ(days[0].usage.expired, 1);
  EXPECT_EQ(days[0].usage.charges, 0);
  EXPECT_EQ(days[1].usage.messages, 0);
  EXPECT_EQ(days[1].usage.sent, 1);
  EXPECT_EQ(days[1].usage.amount.exact(), "0.1");
  query.by = UsageQuery::By::shop;
  EXPECT_EQ(inquiry.usage(query).size(), 2u);
  query.shop = "shop-a";
  EXPECT_EQ(inquiry.usage(query).size(), 1u);
  EXPECT_EQ(inquiry.total(query).sent, 1);
}

TEST_F(InquiryTest, CountsWhatAnAddressesEntriesHeldBack) {
  Acceptance dropped = mail(1, 2);
  dropped.recipients[1].state = State::suppressed;
  accept(store_->writer(), dropped);
  EXPECT_EQ(Inquiry(store_->book()).held_back("user1@example.jp").recipients, 1);
  EXPECT_EQ(Inquiry(store_->book()).held_back("user0@example.jp").recipients, 0);
}

TEST_F(InquiryTest, WorksWithoutADaemonAndWritesNothing) {
  keep(1, "shop-a", "a@example.jp", 0);
  const std::string book = store_->book();
  store_.reset();
  EXPECT_TRUE(Inquiry(book).trace(id_of(1)));
  Connection reader(book, Access::read, reader_patience);
  EXPECT_THROW(reader.execute("DELETE FROM daily"), Failure);
}

TEST_F(InquiryTest, FindsItsWayThroughALinkedFolderButTakesNoLinkForTheBook) {
  keep(1, "shop-a", "a@example.jp", 0);
  TemporaryDirectory elsewhere;
  std::filesystem::create_directory_symlink(directory_.path(), elsewhere.path() + "/state");
  EXPECT_TRUE(Inquiry(elsewhere.path() + "/state/book.db").trace(id_of(1)));
  std::filesystem::create_symlink(store_->book(), elsewhere.path() + "/book.db");
  EXPECT_THROW(Inquiry(elsewhere.path() + "/book.db"), Failure);
  EXPECT_THROW(Inquiry(elsewhere.path() + "/missing.db"), Failure);
  EXPECT_FALSE(std::filesystem::exists(elsewhere.path() + "/missing.db"));
}

}  // namespace
}  // namespace ecrelay::store

#include "store/months.h"

#include <gtest/gtest.h>

#include "store/ledger.h"
#include "store/messages.h"
#include "store/schema.h"
#include "unit/store/fixture.h"

/// Months that close, prices that stay, and what is told to a month that is closed.
namespace ecrelay::store {
namespace {

using namespace std::chrono_literals;
using records::State;
using std::chrono::year_month;

constexpr year_month november = 2025y / 11;
constexpr year_month october = 2025y / 10;

class MonthsTest : public testing::Test {
 protected:
  MonthsTest() { migrate(book_); }

  Accounts accounts() { return Accounts(book_); }

  void sell(unsigned n, TimePoint at) {
    Acceptance each = mail(n);
    each.message.accepted_at = at;
    Transaction change(book_);
    insert(change, each.message, each.recipients);
    store::record(change, outcome(each.message.id, 0, State::sent, at), {});
    change.commit();
  }

  MonthClosing closing(year_month month, const std::string& sha256 = std::string(64, 'a')) {
    MonthClosing closing;
    closing.month = month;
    closing.at = start_of((month + std::chrono::months(1)) / std::chrono::day(1)) + 1h;
    closing.actor = "taro(1000)";
    closing.names = {{"shop-a", "ショップA"}};
    closing.days = accounts().days(month);
    closing.manifest = "{}\n";
    closing.sha256 = sha256;
    const auto closed = accounts().closed_months();
    if (!closed.empty()) closing.previous = closed.back().sha256;
    return closing;
  }

  void close(const MonthClosing& how) {
    Transaction change(book_);
    close_month(change, how);
    change.commit();
  }

  void expect_refused(const std::string& sql) { EXPECT_THROW(book_.execute(sql), Refused) << sql; }

  TemporaryDirectory directory_;
  std::string file_ = directory_.path() + "/book.db";
  Connection book_{file_, Access::write, Duration(1000)};
};

TEST_F(MonthsTest, CloseOnceForEverAndInOrder) {
  sell(1, noon);
  close(closing(october, std::string(64, 'b')));
  close(closing(november));
  const auto closed = accounts().closed(november);
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->previous, std::string(64, 'b'));
  EXPECT_EQ(accounts().names(november).at("shop-a"), "ショップA");
  EXPECT_THROW(close(closing(november)), Refused);
  EXPECT_THROW(close(closing(october)), Refused);
  for (const std::string attack :
       {"UPDATE month SET manifest = ''", "UPDATE OR REPLACE month SET month = '2025-12'",
        "DELETE FROM month", "DELETE FROM month WHERE month = '2025-11'",
        "REPLACE INTO month SELECT month, until_ms, closed_ms, 'eve', '', sha256, previous FROM "
        "month",
        "INSERT OR IGNORE INTO month SELECT * FROM month",
        "INSERT INTO month SELECT * FROM month WHERE true"
        " ON CONFLICT (month) DO UPDATE SET manifest = ''",
        "UPDATE month_shop SET name = ''", "DELETE FROM month_shop",
        "REPLACE INTO month_shop SELECT month, shop, 'other' FROM month_shop",
        "INSERT INTO month_shop VALUES ('2025-11', 'shop-b', 'late')"})
    expect_refused(attack);
}

TEST_F(MonthsTest, AreOnlyClosedWhenOverAtMidnightInTokyoAndWithTheChain) {
  MonthClosing early = closing(november);
  early.at = start_of(2025y / 12 / 1) - 1ms;
  EXPECT_THROW(close(early), Refused);
  MonthClosing alone = closing(november);
  alone.previous = std::string(64, 'c');
  EXPECT_THROW(close(alone), Refused);
  expect_refused("INSERT INTO month VALUES ('2025-11', 1764547200000, 1964547200000, 'a', '', '" +
                 std::string(64, 'a') + "', '')");  // midnight in London
  MonthClosing good = closing(november);
  good.at = start_of(2025y / 12 / 1);
  close(good);
}

TEST_F(MonthsTest, ThatChangedWhileBeingClosedStayOpen) {
  sell(1, noon);
  const MonthClosing stale = closing(november);
  sell(2, noon + 1h);
  EXPECT_THROW(close(stale), Refused);
  EXPECT_FALSE(accounts().closed(november));
  EXPECT_TRUE(accounts().names(november).empty()) << "nothing of it stays";
  close(closing(november));
}

TEST_F(MonthsTest, NothingIsBookedInAClosedOneByWhateverWay) {
  sell(1, noon);
  close(closing(november));
  const auto before = accounts().days(november);
  for (const std::string attack :
       {"UPDATE daily SET sent = 7 WHERE day = '2025-11-23'", "DELETE FROM daily",
        "INSERT INTO daily (shop, day) VALUES ('shop-b', '2025-11-30')",
        "INSERT INTO daily (shop, day) VALUES ('shop-b', '2024-01-01')",
        "INSERT INTO ledger (kind, at_ms, shop, unit, price_milli, amount_milli, reason, actor)"
        " VALUES ('adjustment', 1764514799999, 'shop-a', 'message', 0, -1, 'r', 'a')"})
    expect_refused(attack);
  EXPECT_EQ(accounts().days(november), before);
  // The first instant of December belongs to December.
  EXPECT_EQ(book_.execute("INSERT INTO ledger (kind, at_ms, shop, unit, price_milli, amount_milli,"
                          " reason, actor)"
                          " VALUES ('adjustment', 1764514800000, 'shop-a', 'message', 0, -1, 'r',"
                          " 'a')"),
            1);
}

/// Two walls stand before a closed month, one around the ledger and one around the daily totals.
/// With either one alone nothing gets in.
TEST_F(MonthsTest, AreWalledOffTwice) {
  sell(1, noon);
  close(closing(november));
  const auto before = accounts().days(november);
  const std::string late =
      "INSERT INTO ledger (kind, at_ms, shop, unit, price_milli, amount_milli, reason, actor)"
      " VALUES ('adjustment', 1764514799999, 'shop-a', 'message', 0, -1, 'r', 'a')";
  const std::vector<std::vector<std::string>> walls{{"ledger_closed"},
                                                    {"daily_guard", "daily_keeps"}};
  for (const auto& wall : walls) {
    Transaction breach(book_);
    for (const std::string& trigger : wall) book_.execute("DROP TRIGGER " + trigger);
    expect_refused(late);
    EXPECT_EQ(accounts().days(november), before);
  }
  Transaction breach(book_);
  for (const auto& wall : walls)
    for (const std::string& trigger : wall) book_.execute("DROP TRIGGER " + trigger);
  EXPECT_EQ(book_.execute(late), 1) << "nothing else was in the way: the test tells them apart";
}

TEST_F(MonthsTest, WhatComesLateIsBookedInTheOpenOneWithItsOwnTime) {
  Acceptance slow = mail(2);
  Transaction accepted(book_);
  insert(accepted, slow.message, slow.recipients);
  accepted.commit();
  sell(1, noon);
  close(closing(november));
  const auto before = accounts().days(november);
  Transaction change(book_);
  store::record(change, outcome(id_of(2), 0, State::sent, noon), {});
  change.commit();
  EXPECT_EQ(accounts().days(november), before);
  const auto late = Inquiry(file_).trace(id_of(2))->ledger;
  ASSERT_EQ(late.size(), 1u);
  EXPECT_EQ(late[0].at, noon);
  EXPECT_EQ(late[0].booked_at, start_of(2025y / 12 / 1));
  EXPECT_EQ(late[0].day, "2025-12-01");
  EXPECT_EQ(accounts().days(2025y / 12).at(0).usage.sent, 1);
  EXPECT_EQ(contradictions(file_), "");
}

TEST_F(MonthsTest, ReadTheirOwnRowsAndNoOthers) {
  const TimePoint last = start_of(2025y / 12 / 1) - 1ms;
  sell(1, start_of(2025y / 11 / 1) - 1ms);
  sell(2, last + 1ms);  // committed in this order when the network is slow
  sell(3, last);
  sell(4, start_of(2025y / 11 / 1));
  std::vector<std::int64_t> rows;
  accounts().read_month(november,
                        [&](const records::LedgerEntry& entry) { rows.push_back(entry.id); });
  EXPECT_EQ(rows, (std::vector<std::int64_t>{3, 4}));
}

TEST_F(MonthsTest, OverlookNoMessageForHavingWaitedLongOrForAnOddClock) {
  const auto send_uncharged = [&](const Ulid& id, TimePoint at) {
    Acceptance each = mail(1);
    each.message.id = each.recipients[0].message = id;
    Outcome sent = outcome(id, 0, State::sent, at);
    sent.charges.clear();
    Transaction change(book_);
    insert(change, each.message, each.recipients);
    store::record(change, sent, {});
    change.commit();
  };
  for (const TimePoint accepted : {noon, noon - 24h * 300, noon + 24h * 300}) {
    const auto before = accounts().uncharged(november, 10).size();
    send_uncharged(Ulid(accepted, {7}), noon);
    EXPECT_EQ(accounts().uncharged(november, 10).size(), before + 1)
        << to_text(billing_day(accepted));
  }
  EXPECT_EQ(accounts().sent_on(november, "default").at(0).recipients, 3);
}

TEST_F(MonthsTest, TakeAdjustmentsWithReasonAndActor) {
  const auto adjusted = [&](const Adjustment& adjustment) {
    Transaction change(book_);
    const std::int64_t row = adjust(change, adjustment);
    change.commit();
    return row;
  };
  const Adjustment given{"shop-a", Money::milli_yen(-1500), noon, "the outage", "taro(1000)"};
  const auto entry = accounts().entry(adjusted(given));
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->kind, records::EntryKind::adjustment);
  EXPECT_EQ(entry->amount.exact(), "-1.5");
  EXPECT_EQ(accounts().days(november).at(0).usage.adjusted.exact(), "-1.5");
  close(closing(november));
  EXPECT_EQ(accounts().entry(adjusted(given))->day, "2025-12-01") << "as anything that comes late";
  Adjustment silent = given;
  silent.reason.clear();
  EXPECT_THROW(adjusted(silent), Refused);
  Adjustment nobody = given;
  nobody.actor.clear();
  EXPECT_THROW(adjusted(nobody), Refused);
}

TEST_F(MonthsTest, AreSearchedByDaysAmountAndShop) {
  for (unsigned n = 1; n <= 5; ++n) sell(n, noon + n * 24h);
  Transaction change(book_);
  reverse(change, Reversal{2, noon + 72h, "wrong", "taro"});
  change.commit();
  LedgerQuery query;
  query.from = billing_day(noon + 48h);
  query.to = billing_day(noon + 72h);
  EXPECT_EQ(accounts().ledger(query, 0, 10).size(), 3u);
  EXPECT_EQ(accounts().ledger(query, 2, 10).size(), 2u);
  query.most = Money::milli_yen(-1);
  ASSERT_EQ(accounts().ledger(query, 0, 10).size(), 1u);
  EXPECT_EQ(accounts().ledger(query, 0, 10)[0].reverses, 2);
  query.shop = "shop-b";
  EXPECT_TRUE(accounts().ledger(query, 0, 10).empty());
}

records::PriceRow price(const std::string& shop, std::chrono::year_month_day day, int milli,
                        TimePoint noted = noon) {
  return records::PriceRow{shop, day, records::Unit::message, Money::milli_yen(milli), noted};
}

TEST_F(MonthsTest, PricesOfThePastStandForEver) {
  const auto note = [&](const records::PriceRow& row) {
    Transaction change(book_);
    note_prices(change, {row});
    change.commit();
  };
  note(price("", 2024y / 7 / 1, 100));
  sell(1, noon);
  const TimePoint later = noon + 1h;
  EXPECT_THROW(note(price("", 2024y / 7 / 1, 200, later)), Refused);
  EXPECT_THROW(note(price("", billing_day(noon), 200, later)), Refused) << "charged today already";
  EXPECT_THROW(note(price("shop-a", billing_day(noon), 200, later)), Refused);
  EXPECT_NO_THROW(note(price("shop-b", 2024y / 7 / 1, 80, later))) << "never charged";
  note(price("", billing_day(noon + 24h), 200, later));
  note(price("", billing_day(noon + 24h), 150, later + 1h));  // thought better of it in time
  EXPECT_EQ(accounts().prices().size(), 4u);
  EXPECT_EQ(accounts().last_charged("shop-a"), billing_day(noon));
  EXPECT_FALSE(accounts().last_charged("shop-b"));
  for (const std::string attack :
       {"UPDATE price SET price_milli = 1", "DELETE FROM price",
        "REPLACE INTO price SELECT id, shop, day, unit, 1, noted_ms FROM price",
        "INSERT INTO price (shop, day, unit, price_milli, noted_ms)"
        " VALUES ('x', '2026-01-01', 'message', 0.1, 1)",
        "INSERT INTO price (shop, day, unit, price_milli, noted_ms)"
        " VALUES ('x', '2026-02-30', 'message', 100, 1)"})
    expect_refused(attack);
}

TEST(Schema, ABookFromBeforeMonthsKeepsItsLedgerAndLearnsWhereItsDaysStand) {
  TemporaryDirectory directory;
  const std::string file = directory.path() + "/book.db";
  Connection book(file, Access::write, Duration(1000));
  migrate(book, 2);
  book.script(
      "INSERT INTO ledger (kind, at_ms, shop, unit, price_milli, amount_milli)"
      " VALUES ('adjustment', 1763874000000, 'shop-a', 'message', 0, -500),"
      " ('adjustment', 1763974000000, 'shop-a', 'message', 0, -1),"
      " ('adjustment', 1763874000000, 'shop-a', 'message', 0, -7)");
  migrate(book);
  const auto days = Accounts(book).days(november);
  ASSERT_EQ(days.size(), 2u);
  EXPECT_EQ(days[0].usage.adjusted.exact(), "-0.507");
  EXPECT_EQ(contradictions(file), "");
}

}  // namespace
}  // namespace ecrelay::store

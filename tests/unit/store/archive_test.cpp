#include "store/archive.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "store/ledger.h"
#include "store/messages.h"
#include "store/months.h"
#include "store/schema.h"
#include "unit/store/fixture.h"

/// Closed months that leave the book: what is asked of them, what is charged, and what cannot be.
namespace ecrelay::store {
namespace {

using namespace std::chrono_literals;
using records::State;
using std::chrono::year_month;

constexpr year_month november = 2025y / 11;
constexpr year_month december = 2025y / 12;
constexpr TimePoint in_december = noon + std::chrono::days(20);

class ArchiveTest : public testing::Test {
 protected:
  ArchiveTest() { migrate(book_); }

  Accounts accounts() { return Accounts(book_); }

  template <typename Work>
  auto in_transaction(Work work) {
    Transaction change(book_);
    auto result = work(change);
    change.commit();
    return result;
  }

  static Acceptance mail_at(unsigned n, TimePoint at, unsigned recipients = 1) {
    Acceptance each = mail(n, recipients);
    each.message.accepted_at = at;
    each.message.id = Ulid(at, {0, 0, 0, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(n)});
    for (records::Recipient& recipient : each.recipients) recipient.message = each.message.id;
    return each;
  }
  Ulid sell(unsigned n, TimePoint at, unsigned recipients = 1) {
    const Acceptance each = mail_at(n, at, recipients);
    return in_transaction([&](Transaction& change) {
      insert(change, each.message, each.recipients);
      store::record(change, outcome(each.message.id, 0, State::sent, at), {});
      return each.message.id;
    });
  }

  /// A message that is charged by recipient.
  void sell_to_each(unsigned n, TimePoint at, unsigned recipients) {
    const Acceptance each = mail_at(n, at, recipients);
    Outcome sent = outcome(each.message.id, 0, State::sent, at);
    const RecipientOutcome delivered = sent.recipients.front();
    sent.recipients.assign(recipients, delivered);
    sent.charges.clear();
    for (unsigned i = 0; i < recipients; ++i) {
      sent.recipients[i].n = i;
      sent.charges.push_back(records::Charge{records::Unit::recipient, i, Money::milli_yen(100)});
    }
    in_transaction([&](Transaction& change) {
      insert(change, each.message, each.recipients);
      return store::record(change, sent, {});
    });
  }

  void close(year_month month) {
    MonthClosing closing;
    closing.month = month;
    closing.at = start_of((month + std::chrono::months(1)) / std::chrono::day(1)) + 1h;
    closing.actor = "taro(1000)";
    closing.days = accounts().days(month);
    closing.manifest = "{}\n";
    closing.sha256 = std::string(64, month == november ? 'a' : 'b');
    const auto closed = accounts().closed_months();
    if (!closed.empty()) closing.previous = closed.back().sha256;
    in_transaction([&](Transaction& change) { return close_month(change, closing), 0; });
  }

  Archived draft_of(year_month month) {
    Archived draft = write_archive(book_, month, {});
    give_name(book_, draft);
    draft.sha256 = std::string(64, 'c');
    draft.actor = "taro(1000)";
    draft.at = in_december;
    return draft;
  }
  Archived note(const Archived& archive) {
    return in_transaction(
        [&](Transaction& change) { return note_archive(change, archive), archive; });
  }
  Archived archive(year_month month) {
    const Archived archived = note(draft_of(month));
    clear();
    return archived;
  }
  std::int64_t clear(std::int64_t after = 0) {
    return in_transaction([&](Transaction& change) {
      std::int64_t cleared = 0;
      for (auto last = clear_archived(change, after, 2); last;
           last = clear_archived(change, *last, 2))
        ++cleared;
      return cleared;
    });
  }

  std::int64_t in_book(const std::string& condition) {
    Rows rows = book_.query("SELECT count(*) FROM ledger WHERE " + condition);
    rows.next();
    return rows.integer();
  }
  std::vector<std::int64_t> rows_of(year_month month) {
    std::vector<std::int64_t> ids;
    accounts().read_month(month, [&](const auto& entry) { ids.push_back(entry.id); });
    return ids;
  }
  std::vector<std::int64_t> found(const LedgerQuery& query, std::int64_t after = 0,
                                  std::size_t limit = 100) {
    std::vector<std::int64_t> ids;
    for (const auto& entry : accounts().ledger(query, after, limit)) ids.push_back(entry.id);
    return ids;
  }
  void expect_refused(const std::string& sql) { EXPECT_THROW(book_.execute(sql), Refused) << sql; }

  TemporaryDirectory directory_;
  std::string file_ = directory_.path() + "/book.db";
  Connection book_{file_, Access::write, Duration(1000)};
};

using Ids = std::vector<std::int64_t>;

TEST_F(ArchiveTest, AnswersEveryQuestionThatTheBookAnsweredBefore) {
  std::vector<Ulid> sold;
  for (unsigned n = 1; n <= 6; ++n) sold.push_back(sell(n, noon + n * 1h));
  const Ulid late = sell(7, in_december);
  in_transaction([&](Transaction& change) {
    return adjust(change, Adjustment{"shop-a", Money::milli_yen(-50), noon + 7h, "outage", "taro"});
  });
  const std::int64_t reversal = in_transaction([&](Transaction& change) {
    return reverse(change, Reversal{2, in_december, "wrong mail", "taro"});
  });
  close(november);
  LedgerQuery everything;
  everything.from = 2025y / 11 / 1;
  everything.to = 2025y / 12 / 31;
  LedgerQuery corrections = everything;
  corrections.most = Money::milli_yen(-1);
  const auto trace_before = Inquiry(file_).trace(sold[1])->ledger;
  const auto days = accounts().days(november);
  ASSERT_EQ(rows_of(november), (Ids{1, 2, 3, 4, 5, 6, 8}));

  archive(november);
  EXPECT_EQ(in_book("kind = 'charge'"), 1) << "December's stays";
  EXPECT_EQ(in_book("kind <> 'charge'"), 2) << "corrections stay";
  EXPECT_EQ(rows_of(november), (Ids{1, 2, 3, 4, 5, 6, 8}));
  EXPECT_EQ(rows_of(december), (Ids{7, reversal}));
  EXPECT_EQ(found(everything), (Ids{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(found(everything, 0, 3), (Ids{1, 2, 3}));
  EXPECT_EQ(found(everything, 0, 0), Ids());
  EXPECT_EQ(found(everything, 3, 4), (Ids{4, 5, 6, 7})) << "over the edge of the archive";
  EXPECT_EQ(found(everything, 7), (Ids{8, 9}));
  EXPECT_EQ(found(corrections), (Ids{8, 9}));
  EXPECT_EQ(accounts().days(november), days);
  EXPECT_EQ(accounts().entry(3)->amount.exact(), "0.1");
  EXPECT_EQ(accounts().entry(3)->message, sold[2]);
  EXPECT_FALSE(accounts().entry(99));
  const auto trace = Inquiry(file_).trace(sold[1])->ledger;
  ASSERT_EQ(trace.size(), 2u);
  EXPECT_EQ(trace[0].id, trace_before[0].id);
  EXPECT_EQ(trace[1].reverses, 2);
  EXPECT_EQ(Inquiry(file_).trace(late)->ledger.size(), 1u);
  EXPECT_TRUE(accounts().uncharged(november, 10).empty());
  EXPECT_TRUE(accounts().uncharged(december, 10).empty());
  EXPECT_EQ(accounts().sent_on(november, "default").at(0).recipients, 6);
  EXPECT_EQ(contradictions(file_), "");
}

TEST_F(ArchiveTest, AMonthThatIsMovedWhileItIsReadIsReadWhole) {
  constexpr unsigned messages = 40;
  constexpr unsigned recipients = 251;  // more than a page in all
  for (unsigned n = 1; n <= messages; ++n) sell_to_each(n, noon, recipients);
  sell(messages + 1, in_december);
  close(november);
  const Archived next = draft_of(november);
  Connection reader(file_, Access::read, Duration(1000));
  unsigned read = 0;
  Accounts(reader).read_month(november, [&](const auto&) {
    if (++read > 1) return;
    note(next);
    in_transaction([](Transaction& change) { return clear_archived(change, 0, 100'000); });
    ASSERT_EQ(in_book("kind = 'charge'"), 1);
  });
  EXPECT_EQ(read, messages * recipients);
}

TEST_F(ArchiveTest, NeverLetsAMessageBeChargedAgain) {
  const Ulid id = sell(1, noon);
  sell(2, in_december);
  close(november);
  archive(november);
  ASSERT_EQ(in_book("message = (SELECT id FROM message ORDER BY id LIMIT 1)"), 0);
  for (const TimePoint at : {noon, in_december}) {
    in_transaction([&](Transaction& change) {
      EXPECT_FALSE(charge_once(change, Billed{"shop-a", id, ""},
                               records::Charge{records::Unit::message, 0, Money::milli_yen(100)},
                               at));
      store::record(change, outcome(id, 0, State::sent, at), {});  // told again, years later
      return 0;
    });
  }
  for (const std::string recipient : {"NULL, 'message'", "0, 'recipient'"})
    for (const std::string verb : {"INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE"})
      EXPECT_THROW(book_.execute(verb +
                                     " INTO ledger (kind, at_ms, shop, message, recipient, unit,"
                                     " price_milli, amount_milli)"
                                     " VALUES ('charge', 1766000000000, 'shop-a', ?, " +
                                     recipient + ", 100, 100)",
                                 id),
                   Refused);
  EXPECT_EQ(accounts().ever().charges, 2);
  // Nor can an older message come into being, by a clock that is behind.
  const Acceptance old = mail_at(3, noon - 1h);
  Transaction change(book_);
  EXPECT_THROW(insert(change, old.message, old.recipients), Refused);
}

TEST_F(ArchiveTest, WaitsForMessagesThatMayStillBeCharged) {
  const Acceptance slow = mail_at(1, noon, 2);
  in_transaction([&](Transaction& change) {
    insert(change, slow.message, slow.recipients);
    store::record(change, outcome(slow.message.id, 0, State::sent, noon), {});
    return 0;
  });
  sell(2, in_december);
  close(november);
  EXPECT_THROW(write_archive(book_, november, {}), Refused);
  in_transaction([&](Transaction& change) {
    return store::record(change, outcome(slow.message.id, 1, State::sent, in_december), {});
  });
  archive(november);
  EXPECT_EQ(accounts().ever().charges, 2) << "the second recipient of a message that was charged";
  EXPECT_TRUE(accounts().uncharged(december, 10).empty()) << "its charge is in the archive";
}

TEST_F(ArchiveTest, LetsAChargeInItBeReversedOnce) {
  sell(1, noon);
  sell(2, in_december);
  close(november);
  archive(november);
  const auto reversed = [&](std::int64_t charge) {
    return in_transaction([&](Transaction& change) {
      return reverse(change, Reversal{charge, in_december + 1h, "wrong mail", "taro"});
    });
  };
  const std::int64_t row = reversed(1);
  EXPECT_EQ(accounts().entry(row)->amount.exact(), "-0.1");
  EXPECT_EQ(accounts().entry(row)->day, to_text(billing_day(in_december)));
  EXPECT_THROW(reversed(1), Refused);
  EXPECT_EQ(accounts().reversal_of(1), row);
  EXPECT_EQ(accounts().ever().reversed.exact(), "-0.1");
  EXPECT_EQ(contradictions(file_), "");
  // Where the reversal has been archived too, once is still once.
  sell(3, in_december + std::chrono::days(30));
  close(december);
  archive(december);
  EXPECT_THROW(reversed(1), Refused);
  EXPECT_EQ(rows_of(december), (Ids{2, row}));
  EXPECT_THROW(reversed(row), Refused) << "a reversal is no charge";
  const std::string reversal =
      " INTO ledger (kind, at_ms, shop, message, unit, price_milli, amount_milli, reverses, reason,"
      " actor) VALUES ('reversal', 1768000000000, 'shop-a', ?, 'message', 100, ";
  EXPECT_THROW(book_.execute("INSERT" + reversal + "-100, 99, 'r', 'a')", id_of(1)), Refused)
      << "of a charge that never was";
  EXPECT_THROW(book_.execute("INSERT" + reversal + "-7, 2, 'r', 'a')", id_of(1)), Refused)
      << "of a part";
}

TEST_F(ArchiveTest, HoldsTheWholeMonthAndNothingLessLeavesTheBook) {
  for (unsigned n = 1; n <= 3; ++n) sell(n, noon + n * 1h);
  sell(4, in_december);
  for (const std::string attack : {"DELETE FROM ledger", "DELETE FROM ledger WHERE id = 1"})
    expect_refused(attack);
  EXPECT_THROW(note(draft_of(november)), Refused) << "it is open";
  close(november);
  Archived part = draft_of(november);
  part.entries = 2;
  EXPECT_THROW(note(part), Refused);
  part = draft_of(november);
  part.net = Money::milli_yen(200);
  EXPECT_THROW(note(part), Refused);
  part = draft_of(november);
  part.month = december;
  EXPECT_THROW(note(part), Refused);
  expect_refused("DELETE FROM ledger WHERE id = 1");
  const Archived whole = note(draft_of(november));
  EXPECT_THROW(note(whole), Refused) << "twice";
  for (const std::string attack :
       {"UPDATE archive SET sha256 = ''", "DELETE FROM archive", "UPDATE ledger SET shop = 'b'",
        "REPLACE INTO archive SELECT * FROM archive",
        "INSERT OR IGNORE INTO archive SELECT * FROM archive", "DELETE FROM ledger WHERE id = 4",
        "INSERT INTO ledger (id, kind, at_ms, shop, unit, price_milli, amount_milli, reason, actor)"
        " VALUES (2, 'adjustment', 1768000000000, 'shop-a', 'message', 0, 1, 'r', 'a')"})
    expect_refused(attack);
  clear();
  expect_refused(
      "INSERT INTO ledger (id, kind, at_ms, shop, unit, price_milli, amount_milli, reason, actor)"
      " VALUES (2, 'adjustment', 1768000000000, 'shop-a', 'message', 0, 1, 'r', 'a')");
}

TEST_F(ArchiveTest, LosesNothingWhereverItIsInterrupted) {
  for (unsigned n = 1; n <= 5; ++n) sell(n, noon + n * 1h);
  close(november);
  const Ids rows = rows_of(november);
  write_archive(book_, november, {});
  EXPECT_EQ(rows_of(november), rows) << "after the draft";
  const Archived draft = draft_of(november);
  EXPECT_EQ(rows_of(november), rows) << "after its naming";
  note(draft_of(november));  // over the file that was there
  EXPECT_EQ(in_book("1"), 5);
  EXPECT_EQ(rows_of(november), rows) << "nothing is told twice while it stands in both places";
  EXPECT_EQ(Inquiry(file_).trace(Ulid(noon + 1h, {0, 0, 0, 0, 0, 0, 0, 0, 0, 1}))->ledger.size(),
            1u);
  in_transaction([&](Transaction& change) { return clear_archived(change, 0, 2), 0; });
  EXPECT_EQ(in_book("1"), 3);
  EXPECT_EQ(rows_of(november), rows);
  clear();
  EXPECT_EQ(in_book("1"), 1) << "the last row stays, for the sake of its number";
  EXPECT_EQ(rows_of(november), rows);
  sell(6, in_december);
  EXPECT_EQ(rows_of(december), Ids{6}) << "numbers are never given twice";
  clear();
  EXPECT_EQ(in_book("1"), 1);
}

TEST_F(ArchiveTest, IsClosedToOthersAndMissedWhenItIsGoneOrAnother) {
  sell(1, noon);
  sell(2, in_december);
  close(november);
  archive(november);
  const std::string path = directory_.path() + "/archive/ledger-202511.db";
  struct stat facts {};
  ASSERT_EQ(::stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0400u);
  ASSERT_EQ(::stat((directory_.path() + "/archive").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0700u);
  std::filesystem::rename(path, path + ".away");
  EXPECT_THROW(rows_of(november), Failure);
  EXPECT_THROW(accounts().entry(1), Failure);
  EXPECT_EQ(rows_of(december), Ids{2}) << "other months do not need it";
  EXPECT_EQ(accounts().ever().charges, 2);
  std::ofstream(path) << "something else";
  EXPECT_THROW(rows_of(november), Failure);
  std::filesystem::rename(path + ".away", path);
  EXPECT_EQ(rows_of(november), Ids{1});
}

TEST_F(ArchiveTest, KeepsInTheBookWhatHasAnIdFromAheadOfItsTime) {
  Acceptance odd = mail_at(1, in_december + std::chrono::days(90));  // the clock was wrong
  in_transaction([&](Transaction& change) {
    insert(change, odd.message, odd.recipients);
    store::record(change, outcome(odd.message.id, 0, State::sent, noon), {});
    return 0;
  });
  sell(2, noon);
  sell(3, in_december);
  close(november);
  archive(november);
  EXPECT_EQ(rows_of(november), (Ids{1, 2}));
  EXPECT_EQ(in_book("id = 1"), 1) << "its key is what keeps it from being charged again";
  EXPECT_EQ(in_book("id = 2"), 0);
  in_transaction([&](Transaction& change) {
    return charge_once(change, Billed{"shop-a", odd.message.id, ""},
                       records::Charge{records::Unit::message, 0, Money::milli_yen(100)},
                       in_december);
  });
  EXPECT_EQ(accounts().ever().charges, 3);
  EXPECT_EQ(Inquiry(file_).trace(odd.message.id)->ledger.size(), 1u);
  sell(4, in_december + 1h);
  EXPECT_EQ(contradictions(file_), "");
}

TEST_F(ArchiveTest, TakesAMonthOfNothing) {
  sell(1, in_december);
  close(november);
  archive(november);
  EXPECT_TRUE(rows_of(november).empty());
  close(december);
  archive(december);
  EXPECT_EQ(rows_of(december), Ids{1});
}

}  // namespace
}  // namespace ecrelay::store

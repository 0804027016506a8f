#include "store/ledger.h"

#include <gtest/gtest.h>

#include "store/messages.h"
#include "store/schema.h"
#include "unit/store/fixture.h"

/// Rules that the book holds by itself, whatever program speaks to it.
namespace ecrelay::store {
namespace {

using records::State;

class LedgerTest : public testing::Test {
 protected:
  LedgerTest() {
    migrate(book_);
    Transaction change(book_);
    for (unsigned n = 1; n <= 3; ++n) {
      const Acceptance each = mail(n, 2);
      insert(change, each.message, each.recipients);
      store::record(change, outcome(id_of(n), 0, State::sent), {});
    }
    change.commit();
  }

  /// The rows as text, to show that nothing changed.
  std::string rows() {
    Rows rows = book_.query(
        "SELECT group_concat(id || ' ' || at_ms || ' ' || hex(message) || ' ' ||"
        " amount_milli, ';') || (SELECT group_concat(shop || day || charges || ' ' || amount_milli)"
        " FROM daily) FROM (SELECT * FROM ledger ORDER BY id)");
    rows.next();
    return rows.text();
  }

  void expect_refused(Connection& book, const std::string& sql) {
    const std::string before = rows();
    EXPECT_THROW(book.execute(sql), Refused) << sql;
    EXPECT_EQ(rows(), before) << sql;
  }

  TemporaryDirectory directory_;
  std::string file_ = directory_.path() + "/book.db";
  Connection book_{file_, Access::write, Duration(1000)};
};

/// Columns of a row, and the values that make it a reversal of charge 1.
const std::string insertion =
    " INTO ledger (kind, at_ms, shop, message, recipient, unit, price_milli, amount_milli, "
    "reverses,"
    " reason, actor)";
std::string reversal(const std::string& changed, const std::string& to) {
  std::string values =
      "'reversal', 1763874000000, shop, message, recipient, unit, price_milli, -amount_milli, id,"
      " 'wrong mail', 'taro'";
  values.replace(values.find(changed), changed.size(), to);
  return insertion + " SELECT " + values + " FROM ledger WHERE id = 1";
}

const std::vector<std::string> attacks{
    "UPDATE ledger SET amount_milli = 0",
    "UPDATE OR REPLACE ledger SET id = 1 WHERE id = 2",
    "UPDATE OR IGNORE ledger SET shop = 'other'",
    "DELETE FROM ledger",
    "DELETE FROM ledger WHERE id = 1",
    "REPLACE INTO ledger (id, kind, at_ms, shop, message, unit, price_milli, amount_milli)"
    " SELECT id, kind, at_ms, shop, message, unit, 0, 0 FROM ledger WHERE id = 1",
    "INSERT OR REPLACE INTO ledger (id, kind, at_ms, shop, unit, price_milli, amount_milli)"
    " VALUES (1, 'adjustment', 1, 'shop-a', 'message', 0, 0)",
    "INSERT OR REPLACE INTO ledger (kind, at_ms, shop, message, unit, price_milli, amount_milli)"
    " SELECT kind, at_ms, shop, message, unit, 0, 0 FROM ledger WHERE id = 1",
    "INSERT OR IGNORE INTO ledger (kind, at_ms, shop, message, unit, price_milli, amount_milli)"
    " SELECT kind, at_ms, shop, message, unit, 7, 7 FROM ledger WHERE id = 1",
    "INSERT INTO ledger (id, kind, at_ms, shop, unit, price_milli, amount_milli)"
    " VALUES (1, 'adjustment', 1, 'shop-a', 'message', 0, 0)"
    " ON CONFLICT (id) DO UPDATE SET amount_milli = 0",
    "INSERT INTO ledger (kind, at_ms, shop, message, recipient, unit, price_milli, amount_milli)"
    " SELECT kind, at_ms, shop, message, 0, 'recipient', 100, 100 FROM ledger WHERE id = 1",
    "INSERT INTO ledger (kind, at_ms, shop, message, unit, price_milli, amount_milli)"
    " VALUES ('charge', 1, 'shop-a', zeroblob(16), 'message', 100, 100)",
    "INSERT INTO ledger (kind, at_ms, shop, unit, price_milli, amount_milli)"
    " VALUES ('adjustment', 1, 'shop-a', 'message', 0.1, 0.1)",
    "INSERT INTO ledger (kind, at_ms, shop, unit, price_milli, amount_milli)"
    " VALUES ('gift', 1, 'shop-a', 'message', 1, 1)",
    "INSERT INTO ledger (kind, at_ms, shop, unit, price_milli, amount_milli)"
    " VALUES ('adjustment', 1, 'shop-a', 'message', 0, -100)",
    "INSERT INTO ledger (kind, at_ms, booked_ms, shop, unit, price_milli, amount_milli, reason, "
    "actor)"
    " VALUES ('adjustment', 1, 1763874000000, 'shop-a', 'message', 0, -100, 'r', 'a')",
    "INSERT" + reversal("-amount_milli", "amount_milli"),
    "INSERT" + reversal("-amount_milli", "-amount_milli - 1"),
    "INSERT" + reversal("price_milli", "0"),
    "INSERT" + reversal("shop", "'shop-b'"),
    "INSERT" + reversal("message", "NULL"),
    "INSERT" + reversal("recipient", "0"),
    "INSERT" + reversal("id,", "4711,"),
    "INSERT" + reversal("id,", "NULL,"),
    "INSERT" + reversal("'wrong mail'", "''"),
    "INSERT" + reversal("'taro'", "''"),
    "DELETE FROM daily",
    "UPDATE daily SET day = '2020-01-01'",
    "UPDATE OR REPLACE daily SET shop = 'shop-b'",
    "REPLACE INTO daily (shop, day) SELECT shop, day FROM daily",
    "INSERT OR IGNORE INTO daily (shop, day) SELECT shop, day FROM daily",
    "INSERT INTO daily (shop, day) SELECT shop, day FROM daily WHERE true"
    " ON CONFLICT DO UPDATE SET charges = 0",
};

TEST_F(LedgerTest, TakesNoUpdateDeleteReplaceOrUpsert) {
  for (const std::string& attack : attacks) expect_refused(book_, attack);
}

TEST_F(LedgerTest, TakesNoneOfThemFromAnotherConnectionWithOtherPragmas) {
  Connection other(file_, Access::write, Duration(1000));
  other.script(
      "PRAGMA recursive_triggers = OFF; PRAGMA foreign_keys = OFF;"
      " PRAGMA ignore_check_constraints = ON;");
  for (const std::string& attack : attacks) expect_refused(other, attack);
}

TEST_F(LedgerTest, LosesNoRuleThroughAnyConnectionOfOurs) {
  for (const Access access : {Access::write, Access::read}) {
    Connection other(file_, access, Duration(1000));
    other.script("PRAGMA writable_schema = ON;");
    for (const std::string attack :
         {"DELETE FROM sqlite_schema WHERE type = 'trigger'",
          "UPDATE sqlite_schema SET sql = '' WHERE name = 'ledger_no_delete'"})
      EXPECT_THROW(other.execute(attack), Failure) << attack;
  }
  Rows rows = book_.query("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'ledger%'");
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(rows.integer(), 10) << "the table, two indexes and seven triggers";
  for (const std::string& attack : attacks) expect_refused(book_, attack);
}

TEST_F(LedgerTest, TakesAReversalOfAChargeOnce) {
  const std::string good = reversal("'taro'", "'taro'");
  EXPECT_EQ(book_.execute("INSERT" + good), 1);
  expect_refused(book_, "INSERT" + good);
  expect_refused(book_, "INSERT OR REPLACE" + good);
  expect_refused(book_, "INSERT OR IGNORE" + good);
  const std::int64_t made = book_.last_id();
  Transaction change(book_);
  EXPECT_THROW(store::reverse(change, Reversal{1, noon, "again", "taro"}), Refused);
  EXPECT_THROW(store::reverse(change, Reversal{made, noon, "a reversal", "taro"}), Refused);
  EXPECT_THROW(store::reverse(change, Reversal{99, noon, "nothing", "taro"}), Refused);
  EXPECT_THROW(store::reverse(change, Reversal{2, noon, "", "taro"}), Refused);
  EXPECT_GT(store::reverse(change, Reversal{2, noon, "wrong mail", "taro"}), made);
  change.commit();
  EXPECT_EQ(contradictions(file_), "");
}

TEST_F(LedgerTest, ChargesTheMailOfAShopAndNothingElse) {
  unsigned n = 10;
  for (const records::Kind kind : {records::Kind::report, records::Kind::test}) {
    Acceptance own = mail(++n);
    own.message.kind = kind;
    Transaction change(book_);
    insert(change, own.message, own.recipients);
    store::record(change, outcome(own.message.id, 0, State::sent), {});
    change.commit();
    EXPECT_TRUE(Inquiry(file_).trace(own.message.id)->ledger.empty());
    for (const std::string whose : {"shop-a", "shop-b"}) {
      EXPECT_THROW(book_.execute("INSERT" + insertion +
                                     " VALUES ('charge', 1763874000000, ?, ?, NULL, 'message',"
                                     " 100, 100, NULL, '', '')",
                                 whose, own.message.id),
                   Refused);
    }
  }
  const records::Usage all = Inquiry(file_).accounts().ever();
  EXPECT_EQ(all.messages, 3);
  EXPECT_EQ(all.reports, 1);
  EXPECT_EQ(all.tests, 1);
  EXPECT_EQ(contradictions(file_), "");
}

TEST_F(LedgerTest, ChargesTheShopThatSentIt) {
  Acceptance other = mail(20);
  Transaction change(book_);
  insert(change, other.message, other.recipients);
  Outcome sent = outcome(other.message.id, 0, State::sent);
  sent.charges.clear();
  store::record(change, sent, {});
  change.commit();
  expect_refused(book_,
                 "INSERT" + insertion +
                     " SELECT 'charge', 1763874000000, 'shop-b', id, NULL, 'message', 100,"
                     " 100, NULL, '', '' FROM message WHERE message_id = '<20@shop-a.example>'");
}

TEST_F(LedgerTest, ChargesOnceThroughTwoConnections) {
  Connection other(file_, Access::write, Duration(1000));
  for (Connection* each : {&book_, &other}) {
    Transaction change(*each);
    EXPECT_FALSE(charge_once(change, Billed{"shop-a", id_of(1), ""},
                             records::Charge{records::Unit::message, 0, Money::milli_yen(100)},
                             noon));
    change.commit();
  }
  EXPECT_EQ(Inquiry(file_).trace(id_of(1))->ledger.size(), 1u);
}

TEST_F(LedgerTest, DayAndMonthTurnAtMidnightInTokyo) {
  const std::vector<std::pair<const char*, std::string>> moments{
      {"2026-01-31T23:59:59.999+09:00", "2026-01-31"}, {"2026-02-01T00:00:00+09:00", "2026-02-01"},
      {"2026-12-31T23:59:59.999+09:00", "2026-12-31"}, {"2027-01-01T00:00:00+09:00", "2027-01-01"},
      {"2028-02-28T23:59:59.999+09:00", "2028-02-28"}, {"2028-02-29T00:00:00+09:00", "2028-02-29"}};
  for (const auto& [moment, day] : moments) {
    const TimePoint at = *parse_timestamp(moment);
    Transaction change(book_);
    change.book().execute(
        "INSERT INTO ledger (kind, at_ms, shop, unit, price_milli, amount_milli, reason, actor)"
        " VALUES ('adjustment', ?, 'shop-a', 'message', 0, 1, 'rounding', 'taro')",
        at);
    Rows rows = book_.query("SELECT day, month FROM ledger WHERE id = ?", book_.last_id());
    ASSERT_TRUE(rows.next());
    EXPECT_EQ(rows.text(), day) << moment;
    EXPECT_EQ(rows.text(), day.substr(0, 7)) << moment;
    EXPECT_EQ(to_text(billing_day(at)), day) << "core and book disagree";
  }
}

TEST_F(LedgerTest, HistoryAndAuditAreAppendOnlyToo) {
  for (const std::string table : {"audit", "suppression_log"}) {
    const std::string row =
        table == "audit"
            ? " INTO audit VALUES (1, 1, 'a', 'o', 'x', 't', 'r', 'd')"
            : " INTO suppression_log VALUES (1, 1, 1, 's', 'k', 'added', 'r', 'a', 'e', NULL)";
    if (table == "suppression_log")
      book_.execute(
          "INSERT INTO suppression (shop, key, address, reason, since_ms, evidence, actor)"
          " VALUES ('s', 'k', 'a', 'hard', 1, 'e', 'relay')");
    book_.execute("INSERT" + row);
    for (const std::string& attack :
         {"REPLACE" + row, "INSERT OR REPLACE" + row, "DELETE FROM " + table,
          "UPDATE " + table + " SET reason = 'other'"})
      EXPECT_THROW(book_.execute(attack), Refused) << attack;
  }
}

TEST(Schema, OfANewerProgramIsRefusedByName) {
  TemporaryDirectory directory;
  const std::string file = directory.path() + "/book.db";
  Connection book(file, Access::write, Duration(1000));
  migrate(book);
  EXPECT_NO_THROW(migrate(book)) << "a second start";
  book.script("PRAGMA user_version = " + std::to_string(schema_version() + 1));
  EXPECT_THROW(migrate(book), Failure);
  EXPECT_THROW(Inquiry{file}, Failure);
}

TEST(Schema, OfTheFirstVersionComesUpToDateAndKeepsItsMail) {
  TemporaryDirectory directory;
  Connection book(directory.path() + "/book.db", Access::write, Duration(1000));
  migrate(book, 1);
  book.execute(
      "INSERT INTO message (id, accepted_ms, expires_ms, shop, host, client, session, helo, tls,"
      " sender, header_from, message_id, subject, size, lane, tag, metadata, idempotency_key,"
      " upstream, signatures, eight_bit, smtputf8, segment, position, head_length, body_length)"
      " VALUES (?, 1, 2, 's', 'h', 'c', '', '', '', '', '', '', '', 1, 'bulk', '', '', '', 'u', '',"
      " 0, 0, 1, 0, 0, 1)",
      id_of(1));
  migrate(book);
  Rows kind = book.query("SELECT kind FROM message");
  ASSERT_TRUE(kind.next());
  EXPECT_EQ(kind.text(), "mail");
}

TEST(Schema, OfSomethingElseIsNotTouched) {
  TemporaryDirectory directory;
  Connection other(directory.path() + "/book.db", Access::write, Duration(1000));
  other.script("CREATE TABLE recipes (name TEXT)");
  EXPECT_THROW(migrate(other), Failure);
  EXPECT_NO_THROW(other.query("SELECT name FROM recipes").next());
}

TEST(Schema, ThatIsOlderIsForTheDaemonToBringUpToDate) {
  TemporaryDirectory directory;
  const std::string file = directory.path() + "/book.db";
  Connection book(file, Access::write, Duration(1000));
  EXPECT_THROW(Inquiry{file}, Failure);
  migrate(book);
  EXPECT_NO_THROW(Inquiry{file});
}

}  // namespace
}  // namespace ecrelay::store

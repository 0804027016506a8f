#include "store/suppression.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "store/audit.h"
#include "unit/store/fixture.h"

namespace ecrelay::store {
namespace {

using records::State;

records::SuppressionEntry entry(const std::string& shop, const std::string& reason = "hard") {
  records::SuppressionEntry entry;
  entry.shop = shop;
  entry.key = "user0@example.jp";
  entry.address = "User0@example.jp";
  entry.reason = reason;
  entry.since = noon;
  entry.evidence = "550 5.1.1 user unknown";
  entry.actor = "relay";
  return entry;
}

class SuppressionTest : public testing::Test {
 protected:
  std::int64_t add(const records::SuppressionEntry& entry) {
    std::int64_t id = 0;
    EXPECT_TRUE(change(store_.writer(), [&](Transaction& t) { id = suppress(t, entry); }));
    return id;
  }
  std::size_t clear_for(const std::optional<std::string>& shop) {
    std::size_t cleared = 0;
    EXPECT_TRUE(change(store_.writer(), [&](Transaction& t) {
      cleared = clear(t, Clearing{"user0@example.jp", shop, "customer asked", "sato", noon}).size();
    }));
    return cleared;
  }
  std::optional<Listing> find(const std::string& shop, TimePoint at = noon) {
    return index_.find(shop, "user0@example.jp", at).value();
  }
  std::vector<std::string> history() {
    std::vector<std::string> events;
    for (const auto& event : Inquiry(store_.book()).suppression_history("user0@example.jp", 100))
      events.push_back(event.event + " " + event.reason);
    std::reverse(events.begin(), events.end());  // oldest first
    return events;
  }

  TemporaryDirectory directory_;
  Store store_{settings(directory_.path())};
  SuppressionIndex index_{store_.book()};
};

TEST_F(SuppressionTest, AnEntryHoldsForItsShopOnlyFromTheMomentItIsAnswered) {
  EXPECT_FALSE(find("shop-a"));
  const std::int64_t id = add(entry("shop-a"));
  ASSERT_TRUE(find("shop-a"));
  EXPECT_EQ(find("shop-a")->entry, id);
  EXPECT_EQ(find("shop-a")->reason, "hard");
  EXPECT_FALSE(find("shop-b"));
  EXPECT_FALSE(*index_.find("shop-a", "user1@example.jp", noon));
}

TEST_F(SuppressionTest, AnOperatorsEntryHoldsForEveryShop) {
  add(entry(""));
  EXPECT_TRUE(find("shop-a")->operator_wide);
  const std::int64_t own = add(entry("shop-a", "complaint"));
  EXPECT_EQ(find("shop-a")->entry, own) << "the shop's own comes first";
  EXPECT_EQ(clear_for("shop-a"), 1u);
  EXPECT_TRUE(find("shop-a")->operator_wide);
  EXPECT_EQ(clear_for(std::nullopt), 1u);
  EXPECT_FALSE(find("shop-a"));
  EXPECT_EQ(clear_for(std::nullopt), 0u);
}

TEST_F(SuppressionTest, AnEntryEndsWithItsTime) {
  auto limited = entry("shop-a");
  limited.expires_at = noon + Duration(1'000);
  add(limited);
  EXPECT_TRUE(find("shop-a", noon + Duration(999)));
  EXPECT_FALSE(find("shop-a", noon + Duration(1'000)));
}

TEST_F(SuppressionTest, TheEntryThatLastsLongerStays) {
  auto limited = entry("shop-a");
  limited.expires_at = noon + Duration(1'000);
  const auto first = add(limited);
  EXPECT_EQ(add(limited), first);
  const auto complaint = add(entry("shop-a", "complaint"));
  EXPECT_NE(complaint, first);
  EXPECT_EQ(add(limited), complaint);
  EXPECT_EQ(find("shop-a")->reason, "complaint");
  EXPECT_EQ(history(),
            (std::vector<std::string>{"added hard", "confirmed hard", "replaced complaint",
                                      "added complaint", "confirmed hard"}));
}

TEST_F(SuppressionTest, AnEntryPastItsTimeGivesWayToANewOne) {
  auto limited = entry("shop-a");
  limited.expires_at = noon + Duration(1'000);
  const auto first = add(limited);
  limited.since = noon + Duration(2'000);
  limited.expires_at = noon + Duration(3'000);
  EXPECT_NE(add(limited), first);
  EXPECT_TRUE(find("shop-a", noon + Duration(2'500)));
  EXPECT_EQ(history(), (std::vector<std::string>{"added hard", "lapsed hard", "added hard"}));
}

TEST_F(SuppressionTest, ClearingKeepsTheHistoryWithWhoAndWhy) {
  add(entry("shop-a"));
  EXPECT_EQ(clear_for("shop-a"), 1u);
  EXPECT_FALSE(find("shop-a"));
  const auto events = Inquiry(store_.book()).suppression_history("user0@example.jp", 1);
  EXPECT_EQ(events[0].event, "cleared");
  EXPECT_EQ(events[0].actor, "sato");
  EXPECT_EQ(events[0].reason, "customer asked");
  EXPECT_EQ(events[0].evidence, "550 5.1.1 user unknown");
  add(entry("shop-a"));
  EXPECT_TRUE(find("shop-a")) << "a cleared address can be listed again";
}

TEST_F(SuppressionTest, ABounceAndItsEntryAreOneTransaction) {
  accept(store_.writer(), mail(1));
  Outcome bounced = outcome(id_of(1), 0, State::bounced);
  bounced.signs.push_back({records::Weight::entry, entry("shop-a")});
  bounced.signs[0].entry.message = id_of(1);
  Outcome wrong = bounced;
  wrong.recipients[0].n = 7;
  EXPECT_FALSE(record(store_.writer(), wrong));
  EXPECT_FALSE(find("shop-a"));
  EXPECT_TRUE(record(store_.writer(), bounced));
  EXPECT_TRUE(find("shop-a"));
  EXPECT_TRUE(record(store_.writer(), bounced)) << "told again";
  const auto trace = Inquiry(store_.book()).trace(id_of(1));
  ASSERT_EQ(trace->suppressions.size(), 1u);
  EXPECT_EQ(trace->suppressions[0].event, "added");
}

TEST_F(SuppressionTest, ACannotTellIsNeverANotListed) {
  add(entry("shop-a"));
  ASSERT_TRUE(change(store_.writer(), [](Transaction& t) {
    t.book().script("ALTER TABLE suppression RENAME TO elsewhere");
  }));
  const auto answer = index_.find("shop-a", "user0@example.jp", noon);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::unavailable);
}

TEST_F(SuppressionTest, ADamagedBookIsACannotTellToo) {
  add(entry("shop-a"));
  store_.writer().stop();
  Connection(store_.book(), Access::write, reader_patience).checkpoint(Checkpoint::whole);
  SuppressionIndex fresh(store_.book());
  const auto size = std::filesystem::file_size(store_.book());
  std::fstream file(store_.book(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096);
  file << std::string(size - 4096, '\x55');
  file.close();
  const auto answer = fresh.find("shop-a", "user0@example.jp", noon);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::unavailable);
}

TEST_F(SuppressionTest, TheAuditTellsWhoDidWhat) {
  records::AuditRow row{
      0, noon, "sato", "socket uid=1000", "suppression clear", "user0@example.jp", "asked", ""};
  ASSERT_TRUE(change(store_.writer(), [&](Transaction& t) { audit(t, row); }));
  const auto rows = Inquiry(store_.book()).audits(10);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].actor, "sato");
  EXPECT_EQ(rows[0].action, "suppression clear");
  EXPECT_EQ(rows[0].at, noon);
}

TEST_F(SuppressionTest, ListsAreFilteredByShopReasonAndDomain) {
  add(entry("shop-a"));
  add(entry("", "manual"));
  auto other = entry("shop-a");
  other.key = "x@mail.example.jp";
  add(other);
  Inquiry inquiry(store_.book());
  EXPECT_EQ(inquiry.suppressions(SuppressionFilter{}, 10).size(), 3u);
  const auto found = [&](auto narrow) {
    SuppressionFilter filter;
    narrow(filter);
    return inquiry.suppressions(filter, 10).size();
  };
  EXPECT_EQ(found([](auto& filter) { filter.shop = ""; }), 1u);
  EXPECT_EQ(found([](auto& filter) { filter.reason = "hard"; }), 2u);
  EXPECT_EQ(found([](auto& filter) { filter.domain = "example.jp"; }), 2u);
  EXPECT_EQ(found([](auto& filter) { filter.from = noon + Duration(1); }), 0u);
  EXPECT_EQ(found([](auto& filter) { filter.to = noon; }), 3u);
  EXPECT_EQ(inquiry.suppressions(SuppressionFilter{}, 2).size(), 2u);
  EXPECT_EQ(inquiry.suppressions("user0@example.jp").size(), 2u);
}

}  // namespace
}  // namespace ecrelay::store

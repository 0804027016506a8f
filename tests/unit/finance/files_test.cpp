#include <gtest/gtest.h>

#include <map>

#include "finance/manifest.h"
#include "finance/month_files.h"

namespace ecrelay::finance {
namespace {

using namespace std::chrono_literals;
using records::EntryKind;
using records::Unit;

constexpr std::chrono::year_month november = 2026y / 11;

/// A month of two shops, and the files made of it.
class Month {
 public:
  explicit Month(const Format& format = {}, std::uint64_t detail_rows = 1'000'000)
      : files_(
            november, format,
            [this](const std::string& name, std::string_view bytes) { text[name] += bytes; },
            detail_rows) {}

  void charge(const std::string& shop, TimePoint at, Money price, Unit unit = Unit::message) {
    records::LedgerEntry entry = base(shop, at, price);
    entry.unit = unit;
    entry.price = price;
    if (unit == Unit::recipient) entry.recipient = 1;
    records::Usage& usage = day(shop, at);
    ++usage.messages;
    ++usage.sent;
    ++usage.charges;
    usage.amount = usage.amount + price;
    files_.add(entry);
  }
  void reverse(const std::string& shop, TimePoint at, std::int64_t charge, Money price) {
    records::LedgerEntry entry = base(shop, at, Money() - price);
    entry.kind = EntryKind::reversal;
    entry.reverses = charge;
    entry.reason = "=wrong";
    records::Usage& usage = day(shop, at);
    ++usage.reversals;
    usage.reversed = usage.reversed - price;
    files_.add(entry);
  }
  std::vector<FileSummary> finish() {
    std::vector<records::ShopDay> list;
    for (const auto& [key, usage] : days_) list.push_back({key.first, key.second, usage});
    differences = ledger_differences(list, files_.recounts());
    return files_.finish(list, {{"shop-a", "ショップA"}});
  }
  records::Usage& day(const std::string& shop, TimePoint at) {
    return days_[{shop, to_text(billing_day(at))}];
  }

  std::map<std::string, std::string> text;
  std::vector<std::string> differences;

 private:
  records::LedgerEntry base(const std::string& shop, TimePoint at, Money amount) {
    records::LedgerEntry entry;
    entry.id = ++last_;
    entry.at = entry.booked_at = at;
    entry.day = to_text(billing_day(at));
    entry.shop = shop;
    entry.message = Ulid(at, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
    entry.recipients = 2;
    entry.amount = amount;
    entry.tag = "order";
    return entry;
  }

  MonthFiles files_;
  std::map<std::pair<std::string, std::string>, records::Usage> days_;
  std::int64_t last_ = 0;
};

const TimePoint first_day = start_of(2026y / 11 / 1);
const Money tenth = Money::milli_yen(100);

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(MonthFiles, AreNamedAsPromisedAndHoldOneRowAShopADayAndACharge) {
  Month month;
  month.charge("shop-a", first_day, tenth);
  month.charge("shop-a", first_day + 24h, tenth);
  month.charge("shop/b", first_day, tenth);
  const auto files = month.finish();
  std::vector<std::string> names;
  for (const auto& file : files) names.push_back(file.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"all-shops-202611.csv", "daily-shop%2Fb-202611.csv",
                                      "daily-shop-a-202611.csv", "detail-shop%2Fb-202611-01.csv",
                                      "detail-shop-a-202611-01.csv"}));
  EXPECT_EQ(lines(month.text["all-shops-202611.csv"]), 3u);
  EXPECT_EQ(lines(month.text["daily-shop-a-202611.csv"]), 3u);
  EXPECT_NE(month.text["all-shops-202611.csv"].find(
                "\"2026-11\",\"shop-a\",\"ショップA\",2,0,2,0,0,0,0,2,0.1,0.2,0.0,0.2,0.0,"
                "\"message\",0,0,0,0\r\n"),
            std::string::npos)
      << month.text["all-shops-202611.csv"];
  EXPECT_NE(month.text["detail-shop-a-202611-01.csv"].find("\"2026-11-01T00:00:00.000+09:00\",1,"),
            std::string::npos);
}

TEST(MonthFiles, AddUpExactlyHoweverManyPricesThereWere) {
  Month month;
  for (int day = 0; day < 30; ++day)
    for (int n = 0; n < 1005; ++n)
      month.charge("shop-a", first_day + day * 24h, day < 15 ? tenth : Money::milli_yen(85));
  month.charge("shop-a", first_day, Money::milli_yen(1), Unit::recipient);
  month.reverse("shop-a", first_day + 48h, 1, tenth);
  const auto files = month.finish();
  const Money whole =
      tenth * (15 * 1005) + Money::milli_yen(85) * (15 * 1005) + Money::milli_yen(1);
  for (const auto& file : files) {
    EXPECT_EQ(file.amount, whole) << file.name;
    EXPECT_EQ(file.net, whole - tenth) << file.name;
  }
  EXPECT_EQ(lines(month.text["all-shops-202611.csv"]), 4u) << "a row for each of three prices";
  EXPECT_TRUE(month.differences.empty());
  EXPECT_NE(month.text["detail-shop-a-202611-01.csv"].find("-0.1,1,\"reversal\",\"'=wrong\""),
            std::string::npos);
}

TEST(MonthFiles, AThousandAndFiveMailsADayFor30DaysAre3015Yen) {
  Month month;
  for (int day = 0; day < 30; ++day)
    for (int n = 0; n < 1005; ++n) month.charge("shop-a", first_day + day * 24h, tenth);
  EXPECT_EQ(month.finish().front().amount.exact(), "3015.0");
}

TEST(MonthFiles, SplitDetailsWhereTheyWouldBeTooLongForASpreadsheet) {
  Month month({}, 10);
  for (int n = 0; n < 25; ++n) month.charge("shop-a", first_day, tenth);
  for (const auto& file : month.finish())
    if (file.name == "detail-shop-a-202611-03.csv") {
      EXPECT_EQ(file.rows, 5u);
    }
  EXPECT_EQ(lines(month.text["detail-shop-a-202611-01.csv"]), 11u);
  EXPECT_EQ(lines(month.text["detail-shop-a-202611-03.csv"]), 6u);
}

TEST(MonthFiles, AndDayTotalsThatDifferAreToldApart) {
  Month month;
  month.charge("shop-a", first_day, tenth);
  month.day("shop-a", first_day).amount = Money::milli_yen(200);
  month.day("shop-b", first_day).charges = 1;
  month.finish();
  ASSERT_EQ(month.differences.size(), 2u);
  EXPECT_EQ(month.differences[0],
            "shop shop-a on 2026-11-01: the daily total says 0.2 yen charged, the ledger 0.1");
}

TEST(Manifest, ChainsAMonthToTheOneBefore) {
  Month month;
  month.charge("shop-a", first_day, tenth);
  ManifestHead head;
  head.month = november;
  head.node = "relay-1";
  const auto files = month.finish();
  EXPECT_NE(manifest(head, files).find("\"state\":\"open\""), std::string::npos);
  head.closing = ManifestHead::Closing{first_day + 24h * 31, "taro(1000)", "abc", ""};
  const std::string closed = manifest(head, files);
  EXPECT_EQ(closed, manifest(head, files));
  EXPECT_NE(closed.find("\"previous_sha256\":\"abc\""), std::string::npos);
  EXPECT_NE(closed.find("{\"name\":\"all-shops-202611.csv\",\"rows\":1,\"amount_yen\":\"0.1\","
                        "\"net_yen\":\"0.1\",\"sha256\":\"" +
                        sha256(month.text["all-shops-202611.csv"]) + "\"}"),
            std::string::npos);
  EXPECT_EQ(manifest_name(november), "manifest-202611.json");
}

}  // namespace
}  // namespace ecrelay::finance

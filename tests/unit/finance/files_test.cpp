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
  void adjust(const std::string& shop, TimePoint at, Money amount) {
    records::LedgerEntry entry = base(shop, at, amount);
    entry.kind = EntryKind::adjustment;
    entry.message.reset();
    entry.recipients.reset();
    entry.reason = "停電のお詫び①㈱髙";
    records::Usage& usage = day(shop, at);
    ++usage.adjustments;
    usage.adjusted = usage.adjusted + amount;
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

  std::string tag = "order";
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
    entry.tag = tag;
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

/// What finance has booked from, so it stands for ever: a closed month is made anew whenever it is
/// asked for, and years later the program must still make the same bytes. Where this test fails
/// the files have changed. Then closed months keep the old ones: give the new ones a version that
/// the manifest names, and keep making those without a version as they are here.
TEST(MonthFiles, AreTheSameBytesForEver) {
  const std::map<std::string, std::string> golden{
      {"csv utf-8 en", "64aef46b2ea1402768fb2d663bb814759821b3a8d83c43bf2d948b29108bb2c9"},
      {"csv utf-8 ja", "e4daeb897a2a1f118c15e2afc21652b81d69597ab77c27ab7a07c041f5bce05c"},
      {"csv cp932 en", "84663cdc8833b6f117753ea11510aad69381399a2502c64b9370808c80fa4138"},
      {"csv cp932 ja", "c972fd35d2177d120c333f9803bd52c4bb0ab07ebeb0009114fc959bcc8d32d7"},
      {"json utf-8 en", "ddfa951deb70b3498172364145f43f4ab2e141d21840df1c4a3a0819259aa527"}};
  for (const auto& [name, hash] : golden) {
    Format format;
    format.layout = name.starts_with("json") ? Layout::json : Layout::csv;
    format.encoding = name.find("cp932") != std::string::npos ? Encoding::cp932 : Encoding::utf8;
    format.headings = name.ends_with("ja") ? Headings::japanese : Headings::english;
    Month month(format, 3);
    for (const std::string tag : {"order", "=1+1", "①㈱髙～", "絵文字😀\"\r\n", ""}) {
      month.tag = tag;
      month.charge("shop-a", first_day, tenth);
      month.charge("店舗/b", first_day + 48h, Money::milli_yen(12'345), Unit::recipient);
    }
    month.reverse("shop-a", first_day + 48h, 1, tenth);
    month.adjust("shop-a", first_day + 49h, Money::milli_yen(-1500));
    records::Usage& usage = month.day("shop-a", first_day);
    usage.recipients = 90;
    usage.bounced = 2;
    usage.suppressed = 3;
    usage.expired = 4;
    usage.cancelled = 5;
    usage.sandboxed = 6;
    usage.reports = 7;
    usage.tests = 8;
    usage.bounced_later = 9;
    ManifestHead head;
    head.month = november;
    head.node = "relay-1";
    head.format = format;
    head.closing = ManifestHead::Closing{first_day + 24h * 31, "太郎(1000)", "abc", ""};
    // The manifest has the hashes of all the others.
    EXPECT_EQ(sha256(manifest(head, month.finish())), hash) << name;
  }
}

}  // namespace
}  // namespace ecrelay::finance

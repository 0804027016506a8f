#include "finance/month_files.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "core/text.h"

namespace ecrelay::finance {
namespace {

using records::EntryKind;
using records::LedgerEntry;
using records::ShopDay;
using records::Unit;
using records::Usage;

constexpr std::size_t flush_size = 32 << 10;

constexpr std::array<Column, 21> month_columns{{{"month", "月"},
                                                {"shop_id", "店舗ID"},
                                                {"shop_name", "店舗名"},
                                                {"messages", "通数"},
                                                {"recipients", "宛先数"},
                                                {"sent", "送信"},
                                                {"bounced", "不達"},
                                                {"suppressed", "抑止"},
                                                {"expired", "期限切れ"},
                                                {"cancelled", "取消"},
                                                {"billed_quantity", "課金数"},
                                                {"unit_price_yen", "単価（円）"},
                                                {"amount_yen", "金額（円）"},
                                                {"reversals_yen", "取消額（円）"},
                                                {"net_yen", "差引額（円）"},
                                                {"adjustments_yen", "調整額（円）"},
                                                {"unit", "課金単位"},
                                                {"sandboxed", "テスト環境"},
                                                {"bounced_later", "後日不達"},
                                                {"reports", "不達通知"},
                                                {"tests", "試験送信"}}};

constexpr std::array<Column, 10> detail_columns{{{"time", "日時"},
                                                 {"id", "明細番号"},
                                                 {"message", "メールID"},
                                                 {"recipient_or_count", "宛先または宛先数"},
                                                 {"tag", "タグ"},
                                                 {"amount_yen", "金額（円）"},
                                                 {"reversal_of", "取消対象の明細番号"},
                                                 {"kind", "種別"},
                                                 {"reason", "理由"},
                                                 {"booked", "計上日"}}};

/// The same by day: only the first column is another.
const std::array<Column, 21>& day_columns() {
  static const std::array<Column, 21> columns = [] {
    auto copy = month_columns;
    copy.front() = Column{"date", "日付"};
    return copy;
  }();
  return columns;
}

std::string digits_of(std::chrono::year_month month) {
  std::string text = to_text(month);
  std::erase(text, '-');
  return text;
}

Money minus(Money amount) { return Money() - amount; }

void add(Usage& sum, const Usage& more) {
  for (const auto place :
       {&records::Counts::messages, &records::Counts::recipients, &records::Counts::sent,
        &records::Counts::bounced, &records::Counts::suppressed, &records::Counts::expired,
        &records::Counts::cancelled, &records::Counts::sandboxed, &records::Counts::reports,
        &records::Counts::tests, &records::Counts::bounced_later})
    sum.*place += more.*place;
}

/// A line of a month or day file: whose, and what of it stands in this line.
struct Line {
  std::string first;  ///< month or day
  std::string shop;
  std::string name;
  records::Counts counts;
  PriceLine price;
  std::int64_t quantity = 0;
  Money reversals;  ///< positive: what is taken off
  Money adjustments;

  Money amount() const { return price.price * quantity; }
  Money net() const { return amount() - reversals + adjustments; }
};

void write(Sheet& sheet, const Line& line) {
  sheet.text(line.first).text(line.shop).text(line.name);
  sheet.number(line.counts.messages).number(line.counts.recipients).number(line.counts.sent);
  sheet.number(line.counts.bounced).number(line.counts.suppressed).number(line.counts.expired);
  sheet.number(line.counts.cancelled).number(line.quantity);
  if (line.quantity == 0) {
    sheet.nothing();
  } else {
    sheet.yen(line.price.price);
  }
  sheet.yen(line.amount()).yen(line.reversals).yen(line.net()).yen(line.adjustments);
  if (line.quantity == 0) {
    sheet.nothing();
  } else {
    sheet.text(records::text(line.price.unit));
  }
  sheet.number(line.counts.sandboxed).number(line.counts.bounced_later);
  sheet.number(line.counts.reports).number(line.counts.tests);
}

void write(Sheet& sheet, const LedgerEntry& entry) {
  sheet.text(timestamp(entry.at)).number(entry.id);
  sheet.text(entry.message ? entry.message->text() : "");
  if (entry.recipient) {
    sheet.text("recipient " + std::to_string(*entry.recipient + 1));
  } else if (entry.recipients) {
    sheet.number(*entry.recipients);
  } else {
    sheet.nothing();
  }
  sheet.text(entry.tag).yen(entry.amount);
  if (entry.reverses) {
    sheet.number(*entry.reverses);
  } else {
    sheet.nothing();
  }
  sheet.text(records::text(entry.kind)).text(entry.reason).text(entry.day);
}

}  // namespace

void Recount::add(const LedgerEntry& entry) {
  switch (entry.kind) {
    case EntryKind::charge:
      ++charges;
      amount = amount + entry.amount;
      ++prices[PriceLine{entry.unit, entry.price}];
      break;
    case EntryKind::reversal:
      ++reversals;
      reversed = reversed + entry.amount;
      break;
    case EntryKind::adjustment:
      ++adjustments;
      adjusted = adjusted + entry.amount;
      break;
  }
}

void Recount::add(const Recount& other) {
  charges += other.charges;
  amount = amount + other.amount;
  reversals += other.reversals;
  reversed = reversed + other.reversed;
  adjustments += other.adjustments;
  adjusted = adjusted + other.adjusted;
  for (const auto& [price, quantity] : other.prices) prices[price] += quantity;
}

std::string file_part(std::string_view shop) {
  std::string part;
  for (const char c : shop) {
    const bool plain = text::is_alnum(c) || c == '_' || c == '-' || (c == '.' && !part.empty());
    char hex[4];
    std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
    part += plain ? std::string(1, c) : hex;
  }
  return part;
}

/// A file that is being written.
class MonthFiles::File {
 public:
  File(std::string name, std::span<const Column> columns, const Format& format, const Sink& sink)
      : sheet(columns, format), sink_(sink) {
    summary.name = std::move(name);
    pass(sheet.head());
  }

  void end_row(Money amount, Money net) {
    ++summary.rows;
    summary.amount = summary.amount + amount;
    summary.net = summary.net + net;
    pass(sheet.row());
  }
  void finish() {
    pass(sheet.tail());
    flush();
    summary.sha256 = hash_.hex();
  }

  Sheet sheet;
  FileSummary summary;

 private:
  void pass(std::string_view bytes) {
    waiting_ += bytes;
    if (waiting_.size() >= flush_size) flush();
  }
  void flush() {
    hash_.add(waiting_);
    sink_(summary.name, waiting_);
    waiting_.clear();
  }

  const Sink& sink_;
  Sha256 hash_;
  std::string waiting_;
};

MonthFiles::MonthFiles(std::chrono::year_month month, const Format& format, Sink sink,
                       std::uint64_t detail_rows)
    : month_(month), format_(format), sink_(std::move(sink)), detail_rows_(detail_rows) {}

MonthFiles::~MonthFiles() = default;

std::unique_ptr<MonthFiles::File> MonthFiles::open(std::string name,
                                                   std::span<const Column> columns) {
  name += format_.layout == Layout::json ? ".json" : ".csv";
  return std::make_unique<File>(std::move(name), columns, format_, sink_);
}

void MonthFiles::close(File& file) {
  file.finish();
  replaced_ += file.sheet.replaced();
  done_.push_back(file.summary);
}

MonthFiles::File& MonthFiles::detail_of(const std::string& shop) {
  auto& [number, file] = details_[shop];
  if (file && file->summary.rows == detail_rows_) {
    close(*file);
    file.reset();
  }
  if (!file) {
    const std::string part = std::to_string(++number);
    file = open("detail-" + file_part(shop) + "-" + digits_of(month_) +
                    (part.size() < 2 ? "-0" : "-") + part,
                detail_columns);
  }
  return *file;
}

void MonthFiles::add(const LedgerEntry& entry) {
  recounts_[{entry.shop, entry.day}].add(entry);
  File& file = detail_of(entry.shop);
  write(file.sheet, entry);
  const bool charge = entry.kind == EntryKind::charge;
  file.end_row(charge ? entry.amount : Money(), entry.amount);
}

namespace {

/// The lines of one shop for one day or month: one a price, counts and corrections in the first.
std::vector<Line> lines_of(Line line, const Recount& recount) {
  line.reversals = minus(recount.reversed);
  line.adjustments = recount.adjusted;
  std::vector<Line> lines;
  for (const auto& [price, quantity] : recount.prices) {
    line.price = price;
    line.quantity = quantity;
    lines.push_back(line);
    line.counts = records::Counts();
    line.reversals = Money();
    line.adjustments = Money();
  }
  if (lines.empty()) lines.push_back(std::move(line));
  return lines;
}

}  // namespace

void MonthFiles::write_days(const std::string& shop, const std::string& name,
                            const std::vector<const ShopDay*>& days) {
  const auto file = open("daily-" + file_part(shop) + "-" + digits_of(month_), day_columns());
  for (const ShopDay* day : days) {
    Line line;
    line.first = day->day;
    line.shop = shop;
    line.name = name;
    line.counts = day->usage;
    for (const Line& each : lines_of(line, recounts_[{shop, day->day}])) {
      write(file->sheet, each);
      file->end_row(each.amount(), each.net());
    }
  }
  close(*file);
}

std::vector<FileSummary> MonthFiles::finish(const std::vector<ShopDay>& days,
                                            const std::map<std::string, std::string>& names) {
  for (auto& [shop, detail] : details_) close(*detail.second);
  details_.clear();
  std::map<std::string, std::vector<const ShopDay*>> by_shop;
  for (const ShopDay& day : days) by_shop[day.shop].push_back(&day);

  const auto all = open("all-shops-" + digits_of(month_), month_columns);
  for (const auto& [shop, shop_days] : by_shop) {
    const auto known = names.find(shop);
    Line line;
    line.first = to_text(month_);
    line.shop = shop;
    line.name = known == names.end() ? "" : known->second;
    Usage sum;
    Recount recount;
    for (const ShopDay* day : shop_days) {
      finance::add(sum, day->usage);
      recount.add(recounts_[{shop, day->day}]);
    }
    line.counts = sum;
    for (const Line& each : lines_of(line, recount)) {
      write(all->sheet, each);
      all->end_row(each.amount(), each.net());
    }
    write_days(shop, line.name, shop_days);
  }
  close(*all);
  std::sort(done_.begin(), done_.end(),
            [](const FileSummary& a, const FileSummary& b) { return a.name < b.name; });
  return done_;
}

std::vector<std::string> ledger_differences(const std::vector<ShopDay>& days,
                                            const Recounts& recounts) {
  std::vector<std::string> differences;
  std::map<std::pair<std::string, std::string>, Usage> told;
  for (const ShopDay& day : days) told[{day.shop, day.day}] = day.usage;
  for (const auto& [key, recount] : recounts) told.try_emplace(key);
  const auto compare = [&](const auto& key, std::string_view what, const std::string& daily,
                           const std::string& ledger) {
    if (daily == ledger) return;
    differences.push_back("shop " + key.first + " on " + key.second + ": the daily total says " +
                          daily + " " + std::string(what) + ", the ledger " + ledger);
  };
  for (const auto& [key, usage] : told) {
    const auto found = recounts.find(key);
    const Recount recount = found == recounts.end() ? Recount() : found->second;
    compare(key, "charges", std::to_string(usage.charges), std::to_string(recount.charges));
    compare(key, "yen charged", usage.amount.exact(), recount.amount.exact());
    compare(key, "reversals", std::to_string(usage.reversals), std::to_string(recount.reversals));
    compare(key, "yen reversed", usage.reversed.exact(), recount.reversed.exact());
    compare(key, "adjustments", std::to_string(usage.adjustments),
            std::to_string(recount.adjustments));
    compare(key, "yen adjusted", usage.adjusted.exact(), recount.adjusted.exact());
  }
  return differences;
}

}  // namespace ecrelay::finance

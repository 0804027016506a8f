#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/money.h"
#include "finance/sha256.h"
#include "finance/sheet.h"
#include "records/charge.h"

namespace ecrelay::finance {

/// Of a file that was written.
struct FileSummary {
  std::string name;
  std::uint64_t rows = 0;  ///< without the headings
  Money amount;            ///< of the charges in it
  Money net;               ///< with reversals and adjustments
  std::string sha256;
};

/// Charges of one price.
struct PriceLine {
  records::Unit unit = records::Unit::message;
  Money price;

  auto operator<=>(const PriceLine&) const = default;
};

/// What the ledger says of a shop's day, counted row by row.
struct Recount {
  std::int64_t charges = 0;
  Money amount;
  std::int64_t reversals = 0;
  Money reversed;
  std::int64_t adjustments = 0;
  Money adjusted;
  std::map<PriceLine, std::int64_t> prices;  ///< how many charges of each

  void add(const records::LedgerEntry& entry);
  void add(const Recount& other);
};
using Recounts = std::map<std::pair<std::string, std::string>, Recount>;  ///< by shop and day

/// A shop's part of a file name: what is no letter, digit, "." (but in front), "_" or "-" becomes
/// %XX.
std::string file_part(std::string_view shop);

/// The files of a month, made from its ledger rows in their order and then from its day totals.
/// The same rows give the same bytes. Where they go is the caller's business: `sink` gets each
/// file's bytes in order, the files in turns. Memory does not grow with rows, only with shops.
///
/// Every column of numbers adds up: where a shop had several prices in a month (or on a day) it
/// has a row for each, and the counts stand in the first of them.
class MonthFiles {
 public:
  using Sink = std::function<void(const std::string& file, std::string_view bytes)>;

  MonthFiles(std::chrono::year_month month, const Format& format, Sink sink,
             std::uint64_t detail_rows = 1'000'000);
  ~MonthFiles();

  void add(const records::LedgerEntry& entry);
  /// Once, after the last row: writes what is left, and the day and month files.
  std::vector<FileSummary> finish(const std::vector<records::ShopDay>& days,
                                  const std::map<std::string, std::string>& names);

  const Recounts& recounts() const { return recounts_; }
  /// Characters that the encoding lacked (Encoder), in all files.
  std::uint64_t replaced() const { return replaced_; }

 private:
  class File;

  File& detail_of(const std::string& shop);
  std::unique_ptr<File> open(std::string name, std::span<const Column> columns);
  void close(File& file);
  void write_days(const std::string& shop, const std::string& name,
                  const std::vector<const records::ShopDay*>& days);

  std::chrono::year_month month_;
  Format format_;
  Sink sink_;
  std::uint64_t detail_rows_;
  std::map<std::string, std::pair<int, std::unique_ptr<File>>, std::less<>> details_;
  std::vector<FileSummary> done_;
  Recounts recounts_;
  std::uint64_t replaced_ = 0;
};

/// Where day totals and ledger do not agree, a line each; empty: they do.
std::vector<std::string> ledger_differences(const std::vector<records::ShopDay>& days,
                                            const Recounts& recounts);

}  // namespace ecrelay::finance

#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/money.h"
#include "core/result.h"
#include "core/time.h"

namespace ecrelay::policy {

/// How a recipient can end (promise P2: exactly one of these).
enum class Ending { sent, bounced, suppressed, expired, cancelled, sandboxed };

/// What one price buys.
enum class Unit { message, recipient };

struct Price {
  std::chrono::year_month_day from;  ///< in force from the beginning of this JST day
  Money yen;
  Unit unit = Unit::message;

  bool operator==(const Price&) const = default;
};

/// The price lists: one for everybody, and shops' own. Immutable once built.
class PriceBook {
 public:
  using ShopLists = std::map<std::string, std::vector<Price>, std::less<>>;

  /// Any order. Refused (invalid): a day that is no day, two prices from one day, a negative
  /// price, a list for everybody that is empty.
  static Result<PriceBook> build(std::vector<Price> everybody, ShopLists shops);

  /// The price at `at`: of the shop's own list when one of its prices is in force by then, else
  /// of everybody's. Nothing before the first day of both.
  std::optional<Price> in_force(std::string_view shop, TimePoint at) const;

 private:
  PriceBook() = default;

  std::vector<Price> everybody_;  ///< by day
  ShopLists shops_;
};

/// What the book is asked to charge. The book refuses a second charge with the same key: the
/// message, and the recipient where the unit is the recipient.
struct Charge {
  Unit unit;
  Money amount;

  bool operator==(const Charge&) const = default;
};

/// The charge for one recipient that ended so: only what was sent costs anything. Under
/// Unit::message each sent recipient asks for the same charge, and the book keeps the first.
std::optional<Charge> charge_for(Ending ending, const Price& price);

}  // namespace ecrelay::policy

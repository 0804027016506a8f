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

/// Price lists by shop; "" is everybody.
using PriceLists = std::map<std::string, std::vector<Price>, std::less<>>;

/// A difference between the prices that were noted and those that are configured.
struct PriceChange {
  std::string shop;
  Price price;                  ///< the configured one, or the noted one that is gone
  std::optional<Price> before;  ///< noted for the same day
  bool withdrawn = false;       ///< not configured any more
};

/// What has to be noted, by shop and day. Lists of shops that are configured no more stay noted.
std::vector<PriceChange> price_changes(const PriceLists& noted, const PriceLists& configured,
                                       const std::vector<std::string>& shops);

/// Why a change cannot be: something has been charged on its day or later. Nothing when it can.
std::optional<Error> refusal_of(const PriceChange& change,
                                std::optional<std::chrono::year_month_day> last_charged);

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

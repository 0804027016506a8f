#include "policy/price.h"

#include <algorithm>

namespace ecrelay::policy {
namespace {

bool earlier(const Price& a, const Price& b) { return a.from < b.from; }

Result<void> put_in_order(std::vector<Price>& list, std::string_view whose) {
  const std::string of = " in the prices of " + std::string(whose);
  for (const auto& price : list) {
    if (!price.from.ok()) return invalid("a day that does not exist" + of);
    if (price.yen < Money()) return invalid("a negative price from " + to_text(price.from) + of);
  }
  std::sort(list.begin(), list.end(), earlier);
  const auto twin = std::adjacent_find(
      list.begin(), list.end(), [](const Price& a, const Price& b) { return a.from == b.from; });
  if (twin != list.end()) return invalid("two prices from " + to_text(twin->from) + of);
  return {};
}

std::optional<Price> last_by(const std::vector<Price>& list, std::chrono::year_month_day day) {
  const auto next = std::upper_bound(list.begin(), list.end(), Price{day, {}, {}}, earlier);
  if (next == list.begin()) return {};
  return *(next - 1);
}

}  // namespace

Result<PriceBook> PriceBook::build(std::vector<Price> everybody, ShopLists shops) {
  if (everybody.empty()) return invalid("no price for everybody");
  PriceBook book;
  book.everybody_ = std::move(everybody);
  book.shops_ = std::move(shops);
  if (auto ordered = put_in_order(book.everybody_, "everybody"); !ordered) return ordered.error();
  for (auto& [shop, list] : book.shops_) {
    if (auto ordered = put_in_order(list, "shop " + shop); !ordered) return ordered.error();
  }
  return book;
}

std::optional<Price> PriceBook::in_force(std::string_view shop, TimePoint at) const {
  const auto day = billing_day(at);
  if (const auto own = shops_.find(shop); own != shops_.end()) {
    if (const auto price = last_by(own->second, day)) return price;
  }
  return last_by(everybody_, day);
}

namespace {

std::vector<Price> list_of(const PriceLists& lists, const std::string& shop) {
  const auto found = lists.find(shop);
  return found == lists.end() ? std::vector<Price>() : found->second;
}

std::optional<Price> from_day(const std::vector<Price>& list, std::chrono::year_month_day day) {
  for (const Price& price : list)
    if (price.from == day) return price;
  return std::nullopt;
}

std::string in_words(const Price& price) {
  return price.yen.exact() + " yen a " + (price.unit == Unit::message ? "message" : "recipient") +
         " from " + to_text(price.from);
}

}  // namespace

std::vector<PriceChange> price_changes(const PriceLists& noted, const PriceLists& configured,
                                       const std::vector<std::string>& shops) {
  std::vector<std::string> everybody_and_shops = {""};
  everybody_and_shops.insert(everybody_and_shops.end(), shops.begin(), shops.end());
  std::vector<PriceChange> changes;
  for (const std::string& shop : everybody_and_shops) {
    const std::vector<Price> before = list_of(noted, shop);
    const std::vector<Price> now = list_of(configured, shop);
    for (const Price& price : now) {
      const auto known = from_day(before, price.from);
      if (known != price) changes.push_back(PriceChange{shop, price, known, false});
    }
    for (const Price& price : before) {
      if (!from_day(now, price.from)) changes.push_back(PriceChange{shop, price, price, true});
    }
  }
  return changes;
}

std::optional<Error> refusal_of(const PriceChange& change,
                                std::optional<std::chrono::year_month_day> last_charged) {
  if (!last_charged || *last_charged < change.price.from) return std::nullopt;
  const std::string where =
      change.shop.empty() ? "billing.prices" : "billing.prices of shop '" + change.shop + "'";
  const auto free_day = std::chrono::sys_days(*last_charged) + std::chrono::days(1);
  std::string text = where + ": ";
  if (change.withdrawn) {
    text += "'" + in_words(change.price) + "' is missing";
  } else if (change.before) {
    text += "'" + in_words(change.price) + "' was '" + in_words(*change.before) + "'";
  } else {
    text += "'" + in_words(change.price) + "' is new";
  }
  return conflict(text + ", and mail has been charged until " + to_text(*last_charged) +
                  ": leave earlier prices as they were, and let a new one begin on " +
                  to_text(std::chrono::year_month_day(free_day)) + " or later");
}

std::optional<Charge> charge_for(Ending ending, const Price& price) {
  if (ending != Ending::sent) return {};
  return Charge{price.unit, price.yen};
}

}  // namespace ecrelay::policy

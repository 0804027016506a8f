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

std::optional<Charge> charge_for(Ending ending, const Price& price) {
  if (ending != Ending::sent) return {};
  return Charge{price.unit, price.yen};
}

}  // namespace ecrelay::policy

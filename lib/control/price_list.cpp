#include "control/price_list.h"

#include <algorithm>
#include <future>
#include <map>
#include <string>
#include <utility>

#include "store/months.h"

namespace ecrelay::control {
namespace {

policy::Unit unit_of(records::Unit unit) {
  return unit == records::Unit::message ? policy::Unit::message : policy::Unit::recipient;
}
records::Unit unit_of(policy::Unit unit) {
  return unit == policy::Unit::message ? records::Unit::message : records::Unit::recipient;
}

std::vector<policy::Price> prices_of(const config::Billing& billing) {
  std::vector<policy::Price> prices;
  for (const config::Price& each : billing.prices) {
    const auto unit =
        each.unit == config::ChargeUnit::message ? policy::Unit::message : policy::Unit::recipient;
    prices.push_back(policy::Price{each.from, each.yen, unit});
  }
  return prices;
}

policy::PriceLists configured_prices(const config::Settings& settings) {
  policy::PriceLists lists;
  lists[""] = prices_of(settings.billing);
  for (const config::Shop& shop : settings.shops)
    if (shop.billing) lists[shop.id] = prices_of(*shop.billing);
  return lists;
}

}  // namespace

policy::PriceLists noted_prices(const std::vector<records::PriceRow>& rows) {
  std::map<std::pair<std::string, std::chrono::year_month_day>, const records::PriceRow*> last;
  for (const records::PriceRow& row : rows) last[{row.shop, row.day}] = &row;
  policy::PriceLists lists;
  for (const auto& [key, row] : last)
    if (row->price)
      lists[row->shop].push_back(policy::Price{row->day, *row->price, unit_of(row->unit)});
  return lists;
}

Result<std::vector<records::PriceRow>> new_prices(store::Accounts accounts,
                                                  const config::Settings& settings, TimePoint now) {
  const std::vector<records::PriceRow> noted = accounts.prices();
  std::vector<std::string> shops;
  for (const config::Shop& shop : settings.shops) shops.push_back(shop.id);
  std::vector<records::PriceRow> rows;
  std::string refused;
  for (const policy::PriceChange& change :
       policy::price_changes(noted_prices(noted), configured_prices(settings), shops)) {
    // A book that was charged by before it knew prices learns them once.
    const auto refusal = noted.empty()
                             ? std::nullopt
                             : policy::refusal_of(change, accounts.last_charged(change.shop));
    if (refusal) refused += (refused.empty() ? "" : "\n") + refusal->detail;
    records::PriceRow row;
    row.shop = change.shop;
    row.day = change.price.from;
    row.unit = unit_of(change.price.unit);
    if (!change.withdrawn) row.price = change.price.yen;
    row.noted_at = now;
    rows.push_back(std::move(row));
  }
  if (!refused.empty()) return conflict(refused);
  return rows;
}

Result<void> note_prices(store::Inquiry& book, store::Writer& writer,
                         const config::Settings& settings, TimePoint now) {
  auto rows = new_prices(book.accounts(), settings, now);
  if (!rows) return rows.error();
  if (rows->empty()) return {};
  std::promise<Result<void>> noted;
  writer.change([rows = *rows](store::Transaction& change) { store::note_prices(change, rows); },
                [&noted](Result<void> done) { noted.set_value(std::move(done)); });
  return noted.get_future().get();
}

}  // namespace ecrelay::control

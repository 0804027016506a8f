#include "control/examination.h"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <set>
#include <utility>

#include "control/fields.h"
#include "control/price_list.h"
#include "core/escape.h"

namespace ecrelay::control {
namespace {

using std::chrono::year_month;

constexpr std::size_t most_told = 20;

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (std::size_t i = 0; i < std::min(lines.size(), most_told); ++i)
    text += (text.empty() ? "" : "\n") + lines[i];
  if (lines.size() > most_told) text += "\n… and more";
  return text;
}

Check check(std::string name, std::vector<std::string> differences, std::string when_ok) {
  const bool ok = differences.empty();
  return Check{std::move(name), ok, ok ? std::move(when_ok) : joined(differences)};
}

records::Usage sum_of(const std::vector<records::ShopDay>& days) {
  records::Usage sum;
  for (const records::ShopDay& day : days) {
    sum.charges += day.usage.charges;
    sum.reversals += day.usage.reversals;
    sum.adjustments += day.usage.adjustments;
    sum.amount = sum.amount + day.usage.amount;
    sum.reversed = sum.reversed + day.usage.reversed;
    sum.adjusted = sum.adjusted + day.usage.adjusted;
    sum.sent += day.usage.sent;
  }
  return sum;
}

/// Remembers, day by day, the price of each shop that the book noted.
class NotedPrices {
 public:
  explicit NotedPrices(const std::vector<records::PriceRow>& rows) {
    policy::PriceLists lists = noted_prices(rows);
    const auto everybody = lists.find("");
    if (everybody == lists.end()) return;
    std::vector<policy::Price> all = std::move(everybody->second);
    lists.erase(everybody);
    if (auto built = policy::PriceBook::build(std::move(all), std::move(lists))) book_ = *built;
  }

  bool agrees(const records::LedgerEntry& charge) {
    if (!book_) return true;  // charged before the book knew prices
    auto [known, fresh] = prices_.try_emplace({charge.shop, billing_day(charge.at)});
    if (fresh) known->second = book_->in_force(charge.shop, charge.at);
    const auto& price = known->second;
    const bool by_message = charge.unit == records::Unit::message;
    return price && price->yen == charge.price &&
           (price->unit == policy::Unit::message) == by_message;
  }

 private:
  std::optional<policy::PriceBook> book_;
  std::map<std::pair<std::string, std::chrono::year_month_day>, std::optional<policy::Price>>
      prices_;
};

std::map<std::string, std::string> names_of(store::Accounts accounts, year_month month,
                                            const std::vector<records::ShopDay>& days,
                                            const config::Settings& settings) {
  if (accounts.closed(month)) return accounts.names(month);
  std::map<std::string, std::string> names;
  for (const records::ShopDay& day : days) names.try_emplace(day.shop);
  for (const config::Shop& shop : settings.shops)
    if (const auto found = names.find(shop.id); found != names.end()) found->second = shop.name;
  return names;
}

Check recipients_add_up(store::Accounts accounts) {
  const records::Usage ever = accounts.ever();
  const std::int64_t open = accounts.open_recipients();
  const std::int64_t ended =
      ever.sent + ever.bounced + ever.suppressed + ever.expired + ever.cancelled + ever.sandboxed;
  const std::string text =
      std::to_string(ever.recipients) + " accepted = " + std::to_string(ever.sent) + " sent + " +
      std::to_string(ever.bounced) + " bounced + " + std::to_string(ever.suppressed) +
      " suppressed + " + std::to_string(ever.expired) + " expired + " +
      std::to_string(ever.cancelled) + " cancelled + " + std::to_string(ever.sandboxed) +
      " sandboxed + " + std::to_string(open) + " queued";
  const bool ok = ever.recipients == ended + open;
  return Check{"recipients", ok,
               ok ? text
                  : text + ": not equal, " + std::to_string(ever.recipients - ended - open) +
                        " unaccounted for"};
}

Check files_add_up(const MonthPass& pass) {
  std::map<std::string, std::pair<Money, Money>> sums;  // by kind of file
  for (const finance::FileSummary& file : pass.files) {
    auto& [amount, net] = sums[file.name.substr(0, file.name.find('-'))];
    amount = amount + file.amount;
    net = net + file.net;
  }
  const records::Usage total = sum_of(pass.days);
  std::vector<std::string> differences;
  for (const std::string kind : {"all", "daily", "detail"}) {
    const auto [amount, net] = sums[kind];
    if (amount == total.amount && net == total.net()) continue;
    differences.push_back("the " + kind + " files come to " + amount.exact() + " and net " +
                          net.exact() + " yen, the daily totals to " + total.amount.exact() +
                          " and " + total.net().exact());
  }
  return check("files", std::move(differences),
               total.amount.exact() + " yen charged - " + (Money() - total.reversed).exact() +
                   " reversed + " + total.adjusted.exact() + " adjusted = " + total.net().exact() +
                   " yen, in every kind of file");
}

Check prices_hold(const MonthPass& pass) {
  std::vector<std::string> differences;
  for (const auto& [what, count] : pass.off_price)
    differences.push_back(std::to_string(count) + " charges of " + what);
  return check("prices", std::move(differences), "every charge has the price of its day");
}

}  // namespace

MonthPass pass_over(store::Inquiry& book, year_month month, const config::Settings& settings,
                    const finance::Format& format, const finance::MonthFiles::Sink& sink,
                    const ProgressReport& report) {
  constexpr std::int64_t every = 100'000;
  store::Accounts accounts = book.accounts();
  MonthPass pass;
  pass.days = accounts.days(month);
  pass.names = names_of(accounts, month, pass.days, settings);
  NotedPrices prices(accounts.prices());
  const records::Usage total = sum_of(pass.days);
  Progress progress;
  progress.all = total.charges + total.reversals + total.adjustments;
  finance::MonthFiles files(month, format, sink);
  accounts.read_month(month, [&](const records::LedgerEntry& entry) {
    files.add(entry);
    if (entry.kind == records::EntryKind::charge && !prices.agrees(entry))
      ++pass.off_price["shop " + entry.shop + " at " + entry.price.exact() + " yen a " +
                       std::string(records::text(entry.unit)) + " for " +
                       to_text(billing_day(entry.at)) + ", when another price was in force"];
    if (report && ++progress.done % every == 0) report(progress);
  });
  pass.files = files.finish(pass.days, pass.names);
  pass.recounts = files.recounts();
  pass.replaced = files.replaced();
  if (report) report(progress);
  return pass;
}

std::vector<Check> equations(store::Inquiry& book, year_month month, const MonthPass& pass) {
  store::Accounts accounts = book.accounts();
  const records::Usage total = sum_of(pass.days);
  std::vector<Check> checks;
  checks.push_back(recipients_add_up(accounts));
  checks.push_back(check("ledger", finance::ledger_differences(pass.days, pass.recounts),
                         "daily totals = recount of " +
                             std::to_string(total.charges + total.reversals + total.adjustments) +
                             " ledger rows"));
  std::vector<std::string> missing = accounts.uncharged(month, most_told + 1);
  for (std::string& each : missing) each += " was sent and is not charged";
  checks.push_back(check("charges", std::move(missing),
                         std::to_string(total.sent) + " recipients sent, " +
                             std::to_string(total.charges) + " charges, none missing"));
  checks.push_back(prices_hold(pass));
  checks.push_back(files_add_up(pass));
  return checks;
}

Check against_statement(store::Inquiry& book, year_month month, const std::string& upstream,
                        const finance::Statement& statement) {
  finance::Statement ours;
  for (const store::SentOn& sent : book.accounts().sent_on(month, upstream))
    ours[sent.day] += sent.recipients;
  std::set<std::string> days;
  for (const auto& [day, count] : ours) days.insert(day);
  for (const auto& [day, count] : statement)
    if (day.starts_with(to_text(month))) days.insert(day);
  std::vector<std::string> differences;
  std::int64_t sum = 0;
  for (const std::string& day : days) {
    const auto theirs = statement.find(day);
    const std::int64_t told = theirs == statement.end() ? 0 : theirs->second;
    sum += ours[day];
    if (told == ours[day]) continue;
    differences.push_back(day + ": we sent " + std::to_string(ours[day]) + ", the statement says " +
                          std::to_string(told));
  }
  return check("upstream " + printable(upstream, 64), std::move(differences),
               std::to_string(sum) + " recipients on " + std::to_string(days.size()) +
                   " days, as the statement says");
}

std::vector<Check> due_to_close(store::Accounts accounts, year_month month, TimePoint now) {
  const year_month next = month + std::chrono::months(1);
  const TimePoint due = start_of(next / std::chrono::day(1)) + closing_grace;
  std::vector<Check> checks;
  checks.push_back(
      Check{"over", now >= due,
            now >= due ? "over in JST, and an hour more" : "may be closed from " + timestamp(due)});
  const auto closed = accounts.closed_months();
  const auto first = closed.empty() ? accounts.first_month()
                                    : std::optional(closed.back().month + std::chrono::months(1));
  const bool in_order = closed.empty() ? !first || month <= *first : month == *first;
  checks.push_back(Check{"order", in_order,
                         in_order ? "every month before it is closed"
                         : !closed.empty() && month <= closed.back().month
                             ? "is closed, or lies before one that is"
                             : "close " + to_text(*first) + " first"});
  checks.push_back(Check{"queue", true,
                         std::to_string(accounts.open_recipients(month)) +
                             " recipients accepted in it still wait; they count on the day on "
                             "which they end"});
  return checks;
}

std::string month_manifest(const MonthPass& pass, year_month month, const std::string& node,
                           const finance::ManifestHead::Closing& closing) {
  finance::ManifestHead head;
  head.month = month;
  head.node = node;
  head.closing = closing;
  return finance::manifest(head, pass.files);
}

std::string node_of(const store::ClosedMonth& closed) {
  return field(object_of(boost::json::parse(closed.manifest)), "node");
}

std::string standard_manifest(const MonthPass& pass, const store::ClosedMonth& closed) {
  return month_manifest(
      pass, closed.month, node_of(closed),
      finance::ManifestHead::Closing{closed.closed_at, closed.actor, closed.previous, ""});
}

bool all_ok(const std::vector<Check>& checks) {
  return std::all_of(checks.begin(), checks.end(), [](const Check& each) { return each.ok; });
}

}  // namespace ecrelay::control

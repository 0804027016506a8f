#include "control/money_answers.h"

#include <algorithm>
#include <utility>

#include "control/criteria.h"
#include "control/forms.h"
#include "control/json.h"
#include "core/escape.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;
using std::chrono::year_month;

constexpr std::size_t most_rows = 10'000;

json::object month_row(store::Inquiry& book, year_month month, TimePoint now) {
  store::UsageQuery query;
  query.from = month / std::chrono::day(1);
  query.to = std::chrono::sys_days(month / std::chrono::last);
  json::object row = to_json(book.total(query));
  const TimePoint until = start_of((month + std::chrono::months(1)) / std::chrono::day(1));
  row["month"] = to_text(month);
  row["state"] = now < until + closing_grace ? "open" : "due";
  row["closed_at"] = nullptr;
  row["closed_by"] = "";
  row["sha256"] = "";
  if (const auto closed = book.accounts().closed(month)) {
    row["state"] = book.accounts().archived(month) ? "archived" : "closed";
    row["closed_at"] = json_time(closed->closed_at);
    row["closed_by"] = json_text(closed->actor);
    row["sha256"] = closed->sha256;
  }
  return row;
}

std::optional<std::chrono::year_month_day> day_in(Arguments& given, const std::string& name) {
  const auto text = given.text(name);
  if (!text) return std::nullopt;
  const auto day = parse_day(*text);
  if (!day) given.wrong("'" + printable(*text, 64) + "' is no day like 2026-11-23");
  return day;
}

/// Bytes that go nowhere: only their hashes are wanted.
void nowhere(const std::string&, std::string_view) {}

}  // namespace

std::optional<year_month> month_in(Arguments& given) {
  const auto text = given.text("month");
  if (!text) return std::nullopt;
  const auto month = parse_month(*text);
  if (!month) given.wrong("'" + printable(*text, 64) + "' is no month like 2026-11");
  return month;
}

std::optional<Money> yen_in(Arguments& given, const std::string& name) {
  const auto text = given.text(name);
  if (!text) return std::nullopt;
  const auto amount = Money::parse(*text);
  if (amount) return *amount;
  given.wrong(name + ": " + amount.error().detail);
  return std::nullopt;
}

json::array to_json(const std::vector<Check>& checks) {
  json::array rows;
  for (const Check& check : checks) {
    json::object row;
    row["check"] = json_text(check.name);
    row["ok"] = check.ok;
    row["detail"] = json_text(check.detail);
    rows.push_back(std::move(row));
  }
  return rows;
}

bool is_slow(std::string_view command) {
  return command == "month.check" || command == "month.close" || command == "month.archive" ||
         command == "reconcile";
}

Answer show_months(const Question& question) {
  Arguments given(question.arguments);
  if (auto wrong = given.problem()) return *wrong;
  store::Accounts accounts = question.book.accounts();
  const year_month last = billing_month(question.now);
  year_month month = accounts.first_month().value_or(last);
  if (const auto closed = accounts.closed_months(); !closed.empty())
    month = std::min(month, closed.front().month);
  json::array rows;
  for (; month <= last; month += std::chrono::months(1))
    rows.push_back(month_row(question.book, month, question.now));
  json::object answer;
  answer["months"] = std::move(rows);
  return answer;
}

Answer check_month(const Question& question) {
  Arguments given(question.arguments);
  given.required("month");
  const auto month = month_in(given);
  if (auto wrong = given.problem()) return *wrong;
  const auto snapshot = question.book.snapshot();
  std::vector<Check> checks = due_to_close(question.book.accounts(), *month, question.now);
  const MonthPass pass = pass_over(question.book, *month, question.settings, finance::Format{},
                                   nowhere, question.report);
  for (Check& check : equations(question.book, *month, pass)) checks.push_back(std::move(check));
  json::object answer;
  answer["month"] = to_text(*month);
  answer["ok"] = all_ok(checks);
  answer["checks"] = to_json(checks);
  return answer;
}

Answer search_ledger(const Question& question) {
  Arguments given(question.arguments);
  store::LedgerQuery query;
  const auto first = question.book.accounts().first_month();
  const auto from = day_in(given, "from");
  const auto to = day_in(given, "to");
  query.shop = given.text("shop");
  query.least = yen_in(given, "least");
  query.most = yen_in(given, "most");
  const std::size_t limit = given.count("limit", 100, most_rows);
  const std::size_t after = given.count("after", 0, std::size_t{1} << 62);
  if (auto wrong = given.problem()) return *wrong;
  query.from = from.value_or(first.value_or(billing_month(question.now)) / std::chrono::day(1));
  query.to = to.value_or(billing_day(question.now));
  const auto entries =
      question.book.accounts().ledger(query, static_cast<std::int64_t>(after), limit);
  if (entries.empty() && query.shop) {
    if (auto unknown = unknown_shop(*query.shop, question.settings)) return *unknown;
  }
  json::array rows;
  for (const auto& entry : entries) rows.push_back(to_json(entry));
  json::object answer;
  answer["rows"] = std::move(rows);
  answer["more"] = entries.size() == limit;
  return answer;
}

Answer reconcile(const Question& question) {
  Arguments given(question.arguments);
  const auto month = month_in(given).value_or(billing_month(question.now));
  const auto text = given.text("statement");
  const auto upstream = given.text("upstream");
  if (text.has_value() != upstream.has_value())
    given.wrong("a statement and its upstream come together");
  const auto statement = text ? finance::parse_statement(*text) : finance::Statement();
  if (!statement) given.wrong(statement.error().detail);
  if (auto wrong = given.problem()) return *wrong;
  const auto& known = question.settings.upstreams;
  if (upstream && std::none_of(known.begin(), known.end(),
                               [&](const auto& each) { return each.name == *upstream; }))
    return not_found("no upstream '" + printable(*upstream, 64) + "'");

  const auto snapshot = question.book.snapshot();
  const MonthPass pass = pass_over(question.book, month, question.settings, finance::Format{},
                                   nowhere, question.report);
  std::vector<Check> checks = equations(question.book, month, pass);
  if (upstream) checks.push_back(against_statement(question.book, month, *upstream, *statement));
  json::object answer;
  answer["month"] = to_text(month);
  answer["ok"] = all_ok(checks);
  answer["checks"] = to_json(checks);
  return answer;
}

}  // namespace ecrelay::control

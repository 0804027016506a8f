#include "control/answers.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <set>
#include <utility>

#include "control/arguments.h"
#include "control/criteria.h"
#include "control/forms.h"
#include "control/json.h"
#include "control/key_answers.h"
#include "control/money_answers.h"
#include "control/suppression_answers.h"
#include "control/suppression_file.h"
#include "control/waves.h"
#include "core/escape.h"
#include "core/text.h"
#include "finance/forecast.h"
#include "policy/limits.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;

constexpr std::size_t most_rows = 10'000;  // an answer is made in memory

template <typename Rows, typename... More>
json::array array_of(const Rows& rows, const More&... more) {
  json::array array;
  for (const auto& row : rows) array.push_back(to_json(row, more...));
  return array;
}

// --- the queue ----------------------------------------------------------------------------

Answer list_queue(const Question& question) {
  Arguments given(question.arguments);
  const store::QueueFilter filter = queue_filter_in(given);
  const std::string state = given.text("state").value_or("open");
  const std::size_t limit = given.count("limit", 100, most_rows);
  std::vector<records::State> states = {records::State::queued, records::State::held};
  if (state != "open") {
    const auto one = records::parse_state(state);
    if (!one) given.wrong("'" + printable(state, 64) + "' is no state of a recipient");
    states.assign(1, one.value_or(records::State::queued));
  }
  if (auto wrong = given.problem()) return *wrong;

  json::array rows;
  for (const records::State each : states) {
    for (const store::QueueRow& row : question.book.queue(filter, each, limit - rows.size())) {
      rows.push_back(to_json(row));
    }
  }
  if (rows.empty() && filter.shop) {
    if (auto unknown = unknown_shop(*filter.shop, question.settings)) return *unknown;
  }
  json::object answer;
  answer["more"] = rows.size() == limit;
  answer["recipients"] = std::move(rows);
  return answer;
}

Answer show_queue(const Question& question) {
  Arguments given(question.arguments);
  const auto id = message_in(given);
  if (!id) given.required("message");
  if (auto wrong = given.problem()) return *wrong;
  const auto trace = question.book.trace(*id);
  if (!trace) return not_found("no message " + id->text());
  return to_json(*trace);
}

// --- traces -------------------------------------------------------------------------------

std::vector<store::MessageTrace> traces_by_address(const std::string& query, std::size_t limit,
                                                   store::Inquiry& book) {
  const auto address = typed_address(query);
  if (!address) return {};
  return book.trace_recipient(address->key(), limit);
}

/// A ULID cannot be an address or a Message-ID; the other two look alike. What stands in angle
/// brackets is a Message-ID first.
std::vector<store::MessageTrace> traces(const std::string& query, std::size_t limit,
                                        store::Inquiry& book) {
  if (const auto id = Ulid::parse(query)) {
    auto trace = book.trace(*id);
    if (!trace) return {};
    return {std::move(*trace)};
  }
  const bool bracketed = query.starts_with('<');
  auto found =
      bracketed ? book.trace_message_id(query, limit) : traces_by_address(query, limit, book);
  if (!found.empty()) return found;
  return bracketed ? traces_by_address(query, limit, book)
                   : book.trace_message_id("<" + query + ">", limit);
}

/// What is on the list now for the recipients found: why mail to them goes nowhere today.
json::array listed(const std::vector<store::MessageTrace>& found, const Question& question) {
  constexpr std::size_t most_keys = 20;
  std::set<std::string> keys;
  for (const auto& trace : found) {
    for (const auto& recipient : trace.recipients) {
      if (keys.size() < most_keys) keys.insert(recipient.key);
    }
  }
  json::array entries;
  for (const std::string& key : keys) {
    for (const auto& entry : question.book.suppressions(key)) {
      entries.push_back(to_json(entry, question.now));
    }
  }
  return entries;
}

Answer trace_mail(const Question& question) {
  Arguments given(question.arguments);
  const std::string query(text::trimmed(given.required("query")));
  const std::size_t limit = given.count("limit", 5, 1000);
  if (auto wrong = given.problem()) return *wrong;
  const auto found = traces(query, limit, question.book);
  if (found.empty()) {
    return not_found("no mail with '" + printable(query, 320) +
                     "' as its id, Message-ID or recipient");
  }
  json::object answer;
  answer["messages"] = array_of(found);
  answer["listed"] = listed(found, question);
  answer["more"] = found.size() == limit && !Ulid::parse(query);
  return answer;
}

// --- usage --------------------------------------------------------------------------------

store::UsageQuery whole(std::chrono::year_month month) {
  store::UsageQuery query;
  query.from = month / std::chrono::day(1);
  query.to = std::chrono::sys_days(month / std::chrono::last);
  return query;
}

json::string name_of(const std::string& shop, const config::Settings& settings) {
  for (const config::Shop& each : settings.shops) {
    if (each.id == shop) return json_text(each.name);
  }
  return {};
}

/// The limits of a shop, and how much of them is used now.
json::object limits_of(const config::Shop& shop, const Question& question) {
  store::UsageQuery query = whole(billing_month(question.now));
  query.shop = shop.id;
  const Money charged = question.book.total(query).amount;
  query.from = query.to = billing_day(question.now);
  const std::int64_t today = question.book.total(query).messages;
  json::object limits;
  if (const auto most = shop.limits.yen_per_month) {
    limits["yen_per_month"] = json_text(most->exact());
    limits["month_percent"] = policy::percent_of(charged.in_milli_yen(), most->in_milli_yen());
  }
  if (const auto most = shop.limits.messages_per_day) {
    limits["messages_per_day"] = *most;
    limits["messages_today"] = today;
    limits["day_percent"] = policy::percent_of(today, static_cast<std::int64_t>(*most));
  }
  return limits;
}

/// What only the month that runs has: where it is going, and how near the limits are.
void add_outlook(json::object& row, const records::Usage& usage, const Question& question) {
  row["forecast_yen"] = json_text(finance::forecast(usage.amount, question.now).exact());
}

json::array usage_rows(const store::UsageQuery& query, const Question& question, bool current) {
  json::array rows;
  for (const store::UsageRow& row : question.book.usage(query)) {
    json::object each;
    each["label"] = json_text(row.label);
    if (query.by == store::UsageQuery::By::shop) {
      each["name"] = name_of(row.label, question.settings);
      if (current) add_outlook(each, row.usage, question);
    }
    for (auto& [key, value] : to_json(row.usage)) each[key] = std::move(value);
    rows.push_back(std::move(each));
  }
  return rows;
}

json::array all_limits(const std::optional<std::string>& only, const Question& question) {
  json::array rows;
  for (const config::Shop& shop : question.settings.shops) {
    if (only && *only != shop.id) continue;
    json::object limits = limits_of(shop, question);
    if (limits.empty()) continue;
    limits["shop"] = json_text(shop.id);
    rows.push_back(std::move(limits));
  }
  return rows;
}

Answer show_usage(const Question& question) {
  Arguments given(question.arguments);
  const std::string month_text = given.text("month").value_or(to_text(billing_month(question.now)));
  const auto shop = given.text("shop");
  const std::string by = given.text("by").value_or(shop ? "day" : "shop");
  const std::size_t limit = given.count("limit", 1000, most_rows);
  const std::size_t after = given.count("after", 0, std::size_t{1} << 62);
  const auto month = parse_month(month_text);
  if (!month) given.wrong("'" + printable(month_text, 64) + "' is no month like 2026-11");
  if (by != "shop" && by != "day" && by != "message") {
    given.wrong("by is shop, day or message");
  }
  if (auto wrong = given.problem()) return *wrong;

  store::UsageQuery query = whole(*month);
  query.shop = shop;
  query.by = by == "day" ? store::UsageQuery::By::day : store::UsageQuery::By::shop;
  const records::Usage total = question.book.total(query);
  const bool current = *month == billing_month(question.now);
  if (shop && total == records::Usage{}) {
    if (auto unknown = unknown_shop(*shop, question.settings)) return *unknown;
  }
  json::object answer;
  answer["month"] = to_text(*month);
  answer["shop"] = shop ? json::value(json_text(*shop)) : json::value(nullptr);
  answer["by"] = by;
  if (by == "message") {
    store::LedgerQuery rows;
    rows.from = query.from;
    rows.to = query.to;
    rows.shop = shop;
    const auto entries =
        question.book.accounts().ledger(rows, static_cast<std::int64_t>(after), limit);
    answer["rows"] = array_of(entries);
    answer["more"] = entries.size() == limit;
  } else {
    answer["rows"] = usage_rows(query, question, current);
  }
  answer["total"] = to_json(total);
  if (current) {
    add_outlook(answer["total"].as_object(), total, question);
    answer["limits"] = all_limits(shop, question);
  }
  return answer;
}

// --- the audit ----------------------------------------------------------------------------

Answer show_audit(const Question& question) {
  Arguments given(question.arguments);
  const std::size_t limit = given.count("limit", 50, most_rows);
  if (auto wrong = given.problem()) return *wrong;
  json::object answer;
  answer["rows"] = array_of(question.book.audits(limit));
  return answer;
}

struct BookCommand {
  std::string_view name;
  Answer (*answer)(const Question& question);
};

constexpr auto book_commands = std::to_array<BookCommand>({
    {"queue.list", list_queue},
    {"queue.show", show_queue},
    {"trace", trace_mail},
    {"usage", show_usage},
    {"suppression.show", show_suppression},
    {"suppression.list", list_suppressions},
    {"suppression.parked.list", list_parked},
    {"suppression.clear.preview", preview_clearance},
    {"suppression.undo.preview", preview_undo},
    {"suppression.import.check", check_import},
    {"suppression.export", export_entries},
    {"suppression.history", show_history},
    {"audit", show_audit},
    {"dkim.list", list_keys},
    {"month.status", show_months},
    {"month.check", check_month},
    {"ledger.search", search_ledger},
    {"reconcile", reconcile},
});

const BookCommand* find(std::string_view command) {
  const auto* found = std::find_if(book_commands.begin(), book_commands.end(),
                                   [&](const BookCommand& each) { return each.name == command; });
  return found == book_commands.end() ? nullptr : found;
}

}  // namespace

bool asks_the_book(std::string_view command) { return find(command) != nullptr; }

Answer answer_from_book(std::string_view command, const Question& question) {
  const BookCommand* found = find(command);
  if (found == nullptr) return unknown_command(command);
  return found->answer(question);
}

json::object summary(store::Inquiry& book, TimePoint now) {
  const store::QueueTotals totals = book.totals();
  json::object queue;
  queue["queued"] = totals.queued;
  queue["held"] = totals.held;
  queue["oldest_due"] = json_time(totals.oldest_due);
  json::object month = to_json(book.total(whole(billing_month(now))));
  month["month"] = to_text(billing_month(now));
  json::object result;
  result["queue"] = std::move(queue);
  result["month"] = std::move(month);
  return result;
}

const std::vector<std::string>& commands() {
  static const std::vector<std::string> all = {"status",
                                               "queue.list",
                                               "queue.show",
                                               "queue.retry",
                                               "queue.hold",
                                               "queue.release",
                                               "queue.cancel",
                                               "trace",
                                               "send.test",
                                               "usage",
                                               "suppression.show",
                                               "suppression.list",
                                               "suppression.add",
                                               "suppression.clear",
                                               "suppression.clear.preview",
                                               "suppression.undo",
                                               "suppression.undo.preview",
                                               "suppression.import",
                                               "suppression.import.check",
                                               "suppression.export",
                                               "suppression.parked.list",
                                               "suppression.parked.release",
                                               "suppression.parked.drop",
                                               "suppression.history",
                                               "audit",
                                               "audit.note",
                                               "month.status",
                                               "month.check",
                                               "month.close",
                                               "month.archive",
                                               "ledger.search",
                                               "ledger.reverse",
                                               "ledger.adjust",
                                               "reconcile",
                                               "host.explain",
                                               "dkim.list",
                                               "dns.show",
                                               "dns.check",
                                               "config.diff",
                                               "progress",
                                               "reload"};
  return all;
}

Error unknown_command(std::string_view command) {
  const auto meant = text::suggestion(command, commands());
  return invalid("unknown command '" + printable(command, 64) + "'" +
                 (meant ? "; did you mean '" + *meant + "'?" : std::string()));
}

}  // namespace ecrelay::control

#include "control/suppression_answers.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

#include "control/arguments.h"
#include "control/clearance.h"
#include "control/criteria.h"
#include "control/forms.h"
#include "control/json.h"
#include "core/escape.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;
using records::Standing;
using records::SuppressionEntry;

constexpr std::size_t most_rows = 10'000;  // an answer is made in memory
constexpr std::size_t history_shown = 12;
constexpr Duration clearing_window = std::chrono::hours(24 * 90);

json::array array_of(const std::vector<SuppressionEntry>& entries, TimePoint now) {
  json::array array;
  for (const auto& entry : entries) array.push_back(to_json(entry, now));
  return array;
}

json::array array_of(const std::vector<records::SuppressionEvent>& events) {
  json::array array;
  for (const auto& event : events) array.push_back(to_json(event));
  return array;
}

json::string name_of(const std::string& shop, const config::Settings& settings) {
  for (const config::Shop& each : settings.shops) {
    if (each.id == shop) return json_text(each.name);
  }
  return {};
}

json::value mail_of(const SuppressionEntry& entry, store::Inquiry& book) {
  if (!entry.message) return nullptr;
  const auto trace = book.trace(*entry.message);
  if (!trace) return nullptr;
  json::object mail;
  mail["subject"] = json_text(trace->message.subject);
  mail["accepted_at"] = json_time(trace->message.accepted_at);
  mail["sender"] = json_text(trace->message.sender);
  return mail;
}

/// What was said last about an entry after it was made; the newest event comes first.
const records::SuppressionEvent* last_confirmation(
    const SuppressionEntry& entry, const std::vector<records::SuppressionEvent>& history) {
  const auto found = std::find_if(history.begin(), history.end(), [&](const auto& event) {
    return event.entry == entry.id && event.event == "confirmed";
  });
  return found == history.end() ? nullptr : &*found;
}

/// An open entry with all that one wants to see beside it.
json::object whole(const SuppressionEntry& entry, Standing standing,
                   const std::vector<records::SuppressionEvent>& history,
                   const Question& question) {
  json::object row = to_json(entry, question.now);
  row["standing"] = records::text(standing);
  row["blocking"] = records::holds_back(standing);
  row["tries_again"] = is_said_by_servers(entry.reason);
  row["shop_name"] = name_of(entry.shop, question.settings);
  row["mail"] = mail_of(entry, question.book);
  if (const auto* last = last_confirmation(entry, history)) {
    row["last_seen"] = json_time(last->at);
    row["last_evidence"] = json_text(last->evidence);
  }
  return row;
}

json::array points_of(const std::string& key, const Question& question) {
  const config::Suppression& rules = question.settings.suppression;
  json::array points;
  for (const store::Points& each : question.book.points(key, question.now - rules.points_window)) {
    json::object row;
    row["shop"] = json_text(each.shop);
    row["kind"] = json_text(each.kind);
    row["count"] = each.count;
    row["needed"] = each.kind == "mailbox" ? rules.mailbox.points : rules.delivery.points;
    row["last"] = json_time(each.last);
    points.push_back(std::move(row));
  }
  return points;
}

void put_entries(json::object& answer, const std::string& key,
                 const std::optional<std::string>& shop,
                 const std::vector<records::SuppressionEvent>& history, const Question& question) {
  json::array rows, blocked_for;
  bool second_person = false;
  for (const SuppressionEntry& entry : question.book.suppressions(key)) {
    if (shop && !entry.shop.empty() && entry.shop != *shop) continue;
    const Standing standing = question.book.standing(
        entry, question.now, question.settings.suppression.quiet_after_delivery);
    if (records::holds_back(standing)) blocked_for.push_back(json_text(entry.shop));
    second_person = second_person || entry.reason == "complaint";
    rows.push_back(whole(entry, standing, history, question));
  }
  answer["blocked"] = !blocked_for.empty();
  answer["blocked_for"] = std::move(blocked_for);
  answer["second_person"] = second_person;
  answer["entries"] = std::move(rows);
}

}  // namespace

bool is_said_by_servers(std::string_view reason) {
  return reason == "hard" || reason == "domain" || reason == "soft-count";
}

Answer show_suppression(const Question& question) {
  Arguments given(question.arguments);
  const auto address = address_in(given);
  const auto shop = given.text("shop");
  if (auto wrong = given.problem()) return *wrong;
  if (shop) {
    if (auto unknown = unknown_shop(*shop, question.settings)) return *unknown;
  }
  const std::string key = address->key();
  const auto history = question.book.suppression_history(key, history_shown);
  const records::HeldBack held = question.book.held_back(key);
  json::object answer;
  answer["key"] = json_text(key);
  put_entries(answer, key, shop, history, question);
  answer["held_back"] = held.recipients;
  answer["held_back_last"] = json_time(held.last);
  answer["points"] = points_of(key, question);
  answer["parked"] = question.book.parked_count(key);
  answer["clearings"] = question.book.clearings_since(key, question.now - clearing_window);
  answer["history"] = array_of(history);
  return answer;
}

Answer list_suppressions(const Question& question) {
  Arguments given(question.arguments);
  store::SuppressionFilter filter;
  filter.shop = given.text("shop");
  filter.reason = given.text("reason");
  filter.domain = domain_in(given);
  filter.from = time_in(given, "from");
  filter.to = time_in(given, "to");
  const std::size_t limit = given.count("limit", 100, most_rows);
  if (auto wrong = given.problem()) return *wrong;
  const auto entries = question.book.suppressions(filter, limit);
  if (entries.empty() && filter.shop && !filter.shop->empty()) {
    if (auto unknown = unknown_shop(*filter.shop, question.settings)) return *unknown;
  }
  json::object answer;
  answer["entries"] = array_of(entries, question.now);
  answer["more"] = entries.size() == limit;
  return answer;
}

Answer list_parked(const Question& question) {
  Arguments given(question.arguments);
  const auto domain = domain_in(given);
  const std::size_t limit = given.count("limit", 100, most_rows);
  if (auto wrong = given.problem()) return *wrong;
  const auto entries = question.book.parked(domain, limit);
  json::object answer;
  answer["entries"] = array_of(entries, question.now);
  answer["more"] = entries.size() == limit;
  return answer;
}

Answer show_history(const Question& question) {
  Arguments given(question.arguments);
  const auto address = address_in(given);
  const std::size_t limit = given.count("limit", 100, most_rows);
  if (auto wrong = given.problem()) return *wrong;
  const auto events = question.book.suppression_history(address->key(), limit);
  if (events.empty()) {
    return not_found(printable(address->key(), 320) + " has never been on the list");
  }
  json::object answer;
  answer["key"] = json_text(address->key());
  answer["events"] = array_of(events);
  answer["more"] = events.size() == limit;
  return answer;
}

Answer preview_clearance(const Question& question) {
  Arguments given(question.arguments);
  store::SuppressionFilter filter;
  filter.domain = domain_in(given);
  if (!filter.domain) given.wrong("domain is missing: an address is shown by suppression show");
  filter.shop = given.text("shop");
  filter.from = time_in(given, "since");
  filter.to = time_in(given, "before");
  given.text("reason");
  given.text("for");
  if (auto wrong = given.problem()) return *wrong;
  return preview(filter, is_said_by_servers, question.book);
}

}  // namespace ecrelay::control

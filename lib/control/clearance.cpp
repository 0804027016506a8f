#include "control/clearance.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

#include "control/fields.h"
#include "control/forms.h"
#include "control/json.h"
#include "core/escape.h"
#include "log/events.h"
#include "store/audit.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;

constexpr std::string_view request = "suppression clear requested";
constexpr Duration request_holds = std::chrono::hours(24 * 7);
constexpr Duration clearing_window = std::chrono::hours(24 * 90);
constexpr std::int64_t clearings_to_warn_of = 3;

bool is_complaint(std::string_view reason) { return reason == "complaint"; }
bool is_no_complaint(std::string_view reason) { return !is_complaint(reason); }

std::string entries_in_words(const std::vector<records::SuppressionEntry>& entries) {
  constexpr std::size_t most = 100;
  std::string words = std::to_string(entries.size()) + " entries:";
  for (std::size_t i = 0; i < std::min(most, entries.size()); ++i) {
    words += " " + std::to_string(entries[i].id);
  }
  return words + (entries.size() > most ? " …" : "");
}

void take(Clearance& clearance, std::vector<records::SuppressionEntry> entries) {
  std::move(entries.begin(), entries.end(), std::back_inserter(clearance.cleared));
}

/// A complaint is what the recipient said to his provider: one person alone does not unsay it. The
/// first one's wish is a row of the audit, made after the complaint; the second one's clears.
void clear_complaints(Clearance& clearance, const store::Clearing& clearing,
                      store::Transaction& change) {
  auto complaints = store::open_entries(change.book(), clearing.key, clearing.shop);
  std::erase_if(complaints, [](const auto& entry) { return !is_complaint(entry.reason); });
  if (complaints.empty()) return;
  TimePoint since = clearing.at - request_holds;
  for (const auto& entry : complaints) since = std::max(since, entry.since);
  const auto first =
      store::asked_by_another(change.book(), request, clearing.key, clearing.actor, since);
  if (first) {
    take(clearance, store::clear(change, clearing, is_complaint));
    clearance.audit.detail = "asked for by " + *first + " too; ";
    return;
  }
  clearance.waiting = std::move(complaints);
  records::AuditRow wish = clearance.audit;
  wish.action = request;
  wish.detail = entries_in_words(clearance.waiting);
  store::audit(change, wish);
}

void write(Clearance& clearance, store::Transaction& change) {
  for (const store::Clearing& clearing : clearance.clearings) {
    const auto wanted = clearance.complaints ? is_no_complaint : clearance.wanted;
    take(clearance, store::clear(change, clearing, wanted));
    if (clearance.complaints) clear_complaints(clearance, clearing, change);
  }
  if (clearance.cleared.empty()) return;
  if (clearance.complaints)
    clearance.clearings_of_late = store::clearings_since(change.book(), clearance.audit.target,
                                                         clearance.audit.at - clearing_window);
  clearance.audit.detail += entries_in_words(clearance.cleared);
  if (clearance.until) clearance.audit.detail += ", lifted until " + timestamp(*clearance.until);
  if (clearance.clearings_of_late >= clearings_to_warn_of)
    clearance.audit.detail +=
        "; cleared " + std::to_string(clearance.clearings_of_late) + " times within 90 days";
  store::audit(change, clearance.audit);
}

json::array array_of(const std::vector<records::SuppressionEntry>& entries, TimePoint at) {
  json::array array;
  for (const auto& entry : entries) array.push_back(to_json(entry, at));
  return array;
}

Reply tell(const Clearance& clearance, const Ports& ports) {
  if (clearance.cleared.empty() && clearance.waiting.empty()) {
    return Fault{FaultCode::not_found,
                 printable(clearance.audit.target, 320) + " is not on the list"};
  }
  for (const auto& entry : clearance.cleared) {
    ports.suppression_changed(entry.key);
    const std::string id = std::to_string(entry.id);
    log::suppression_cleared(log::ListEntry{id, entry.shop, entry.key, entry.reason},
                             clearance.audit.actor);
  }
  if (!clearance.cleared.empty()) tell_log(clearance.audit);
  json::object answer;
  answer["cleared"] = array_of(clearance.cleared, clearance.audit.at);
  answer["waiting"] = array_of(clearance.waiting, clearance.audit.at);
  answer["until"] = json_time(clearance.until);
  answer["clearings"] =
      clearance.clearings_of_late >= clearings_to_warn_of ? clearance.clearings_of_late : 0;
  answer["more"] = clearance.more;
  answer["ok"] = clearance.waiting.empty();
  return answer;
}

}  // namespace

void clear_all(Clearance& clearance, const store::SuppressionFilter& filter, store::Inquiry& book) {
  constexpr std::size_t most_cleared = 1000;
  store::SuppressionFilter each = filter;
  for (const auto& [reason, count] : book.suppression_counts(filter)) {
    if (!clearance.wanted(reason)) continue;
    each.reason = reason;
    const std::size_t room = most_cleared - clearance.clearings.size();
    const auto entries = book.suppressions(each, room);
    for (const auto& entry : entries) clearance.clear(entry.key, entry.shop);
    if (static_cast<std::size_t>(count) > entries.size()) clearance.more = true;
  }
}

json::object preview(const store::SuppressionFilter& filter,
                     bool (*wanted)(std::string_view reason), store::Inquiry& book) {
  store::SuppressionFilter anybodys = filter;
  anybodys.actor.reset();
  auto left = book.suppression_counts(anybodys);
  json::object clear, stay;
  for (const auto& [reason, count] : book.suppression_counts(filter)) {
    if (!wanted(reason)) continue;
    clear[reason] = count;
    left[reason] -= count;
  }
  for (const auto& [reason, count] : left) {
    if (count > 0) stay[reason] = count;
  }
  json::object answer;
  answer["clear"] = std::move(clear);
  answer["stay"] = std::move(stay);
  return answer;
}

Change carried_out(std::shared_ptr<Clearance> clearance) {
  Change change;
  change.work = [clearance](store::Transaction& rows) { write(*clearance, rows); };
  change.done = [clearance](const Ports& ports) { return tell(*clearance, ports); };
  return change;
}

bool is_piecemeal(std::string_view command) {
  return command == "suppression.clear" || command == "suppression.undo" ||
         command == "suppression.parked.release" || command == "suppression.parked.drop";
}

void to_the_end(const Whereabouts& place, const Request& request, Consultation& done) {
  auto* sum = std::get_if<json::object>(&done.reply);
  std::size_t parts = 1;
  while (sum != nullptr && truth(*sum, "more")) {
    Consultation next = consult(place, request, {});
    auto* part = std::get_if<json::object>(&next.reply);
    // Exactly so many there were that the last part was empty.
    const auto* fault = std::get_if<Fault>(&next.reply);
    if (fault != nullptr && fault->code == FaultCode::not_found) break;
    if (part == nullptr) {
      next.notes.push_back("before that, " + std::to_string(parts) + " parts were done");
      done = std::move(next);
      return;
    }
    ++parts;
    for (const json::value& each : list(*part, "cleared"))
      sum->at("cleared").as_array().push_back(each);
    if (const auto* count = part->if_contains("count"))
      sum->at("count") =
          sum->at("count").to_number<std::int64_t>() + count->to_number<std::int64_t>();
    sum->at("more") = part->at("more");
  }
  if (sum != nullptr) sum->at("more") = false;
}

}  // namespace ecrelay::control

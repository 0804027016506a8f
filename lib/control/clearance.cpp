#include "control/clearance.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <utility>

#include "control/forms.h"
#include "core/escape.h"
#include "log/events.h"
#include "store/audit.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;

std::string entries_in_words(const std::vector<records::SuppressionEntry>& entries) {
  constexpr std::size_t most = 100;
  std::string words = std::to_string(entries.size()) + " entries:";
  for (std::size_t i = 0; i < std::min(most, entries.size()); ++i) {
    words += " " + std::to_string(entries[i].id);
  }
  return words + (entries.size() > most ? " …" : "");
}

void write(Clearance& clearance, store::Transaction& change) {
  for (const store::Clearing& clearing : clearance.clearings) {
    for (auto& entry : store::clear(change, clearing))
      clearance.cleared.push_back(std::move(entry));
  }
  if (clearance.cleared.empty()) return;
  clearance.audit.detail = entries_in_words(clearance.cleared);
  store::audit(change, clearance.audit);
}

Reply tell(const Clearance& clearance, const Ports& ports) {
  if (clearance.cleared.empty()) {
    return Fault{FaultCode::not_found,
                 printable(clearance.audit.target, 320) + " is not on the list"};
  }
  json::array cleared;
  for (const auto& entry : clearance.cleared) {
    ports.suppression_changed(entry.key);
    const std::string id = std::to_string(entry.id);
    log::suppression_cleared(log::ListEntry{id, entry.shop, entry.key, entry.reason},
                             clearance.audit.actor);
    cleared.push_back(to_json(entry, clearance.audit.at));
  }
  tell_log(clearance.audit);
  json::object answer;
  answer["cleared"] = std::move(cleared);
  answer["more"] = clearance.more;
  return answer;
}

}  // namespace

Change carried_out(std::shared_ptr<Clearance> clearance) {
  Change change;
  change.work = [clearance](store::Transaction& rows) { write(*clearance, rows); };
  change.done = [clearance](const Ports& ports) { return tell(*clearance, ports); };
  return change;
}

}  // namespace ecrelay::control

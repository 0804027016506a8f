#pragma once

#include <boost/json/object.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/changes.h"
#include "control/consult.h"
#include "records/suppression.h"
#include "store/inquiry.h"
#include "store/suppression.h"

namespace ecrelay::control {

/// Entries that come off the list together, with one row of the audit.
struct Clearance {
  std::vector<store::Clearing> clearings;
  bool (*wanted)(std::string_view reason) = nullptr;  ///< null: whatever the reason
  bool complaints = false;                            ///< they are meant too: with a second person
  std::optional<TimePoint> until;                     ///< lifted until then only
  records::AuditRow audit;
  bool more = false;  ///< not all at once

  // What the writing found.
  std::vector<records::SuppressionEntry> cleared;
  std::vector<records::SuppressionEntry> waiting;  ///< complaints, for a second person
  std::int64_t clearings_of_late = 0;              ///< of the address, this one included

  void clear(const std::string& key, const std::optional<std::string>& shop) {
    clearings.push_back(store::Clearing{key, shop, audit.reason, audit.actor, audit.at, until});
  }
};

/// Adds the entries of a filter whose reason is wanted, a clearing each. A change may not hold up
/// the store thread, so there are at most 1,000 at a time.
void clear_all(Clearance& clearance, const store::SuppressionFilter& filter, store::Inquiry& book);
/// What that would clear in the end ("clear"), and what else there is of the same domain, shop and
/// time ("stay"), counted by reason.
boost::json::object preview(const store::SuppressionFilter& filter,
                            bool (*wanted)(std::string_view reason), store::Inquiry& book);

/// The change that clears them; its answer names each entry, or it is not_found.
Change carried_out(std::shared_ptr<Clearance> clearance);

/// Commands that do a part at a time, so that the store is not held up: suppression.clear, .undo,
/// .parked.release and .drop.
bool is_piecemeal(std::string_view command);
/// Asks again and again until nothing is left, and adds it up in `done`. A fault on the way is the
/// answer, with a note of what was done before.
void to_the_end(const Whereabouts& place, const Request& request, Consultation& done);

}  // namespace ecrelay::control

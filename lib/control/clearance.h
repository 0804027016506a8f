#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/changes.h"
#include "records/suppression.h"
#include "store/suppression.h"

namespace ecrelay::control {

/// Entries that come off the list together, with one row of the audit.
struct Clearance {
  std::vector<store::Clearing> clearings;
  records::AuditRow audit;
  bool more = false;  ///< not all at once
  std::vector<records::SuppressionEntry> cleared;

  void clear(const std::string& key, const std::optional<std::string>& shop) {
    clearings.push_back(store::Clearing{key, shop, audit.reason, audit.actor, audit.at});
  }
};

/// The change that clears them; its answer names each entry, or it is not_found.
Change carried_out(std::shared_ptr<Clearance> clearance);

}  // namespace ecrelay::control

#pragma once

#include <string>
#include <vector>

#include "config/settings.h"
#include "core/result.h"
#include "dns/sheet.h"

namespace ecrelay::domains {

/// A domain of the configuration, and what it needs in DNS.
struct Domain {
  std::string shop;  ///< "" for the operator's own
  bool managed_by_operator = false;
  dns::Needs needs;
  std::vector<std::string> advice;  ///< what no record can say
};

/// Any spelling of the name. Errors: not_found, with what may have been meant.
Result<Domain> find_domain(const std::string& name, const config::Settings& settings);

/// Every domain, the operator's last.
std::vector<std::string> domain_names(const config::Settings& settings);

}  // namespace ecrelay::domains

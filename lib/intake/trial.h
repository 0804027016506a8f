#pragma once

#include <memory>
#include <string>

#include "core/result.h"
#include "core/ulid.h"
#include "intake/reception.h"
#include "intake/site.h"

namespace ecrelay::intake {

/// A mail that an operator sends for a shop to see its way through: everything happens to it that
/// happens to the shop's own mail (checks, suppression list, signatures, upstream, reports), but it
/// is kept as a test and never charged.
struct Trial {
  std::string shop;
  std::string recipient;
  std::string sender;  ///< an address of the shop's; empty: postmaster@ its first domain
};

/// The id of the stored message. Errors: not_found (no such shop), invalid (an address, or one that
/// is not the shop's), refused (by limits or modes, in the words of the SMTP reply). Network
/// thread.
asio::awaitable<Result<Ulid>> send_trial(Reception& reception, std::shared_ptr<const Site> site,
                                         Trial trial);

}  // namespace ecrelay::intake

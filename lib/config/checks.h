#pragma once

#include "config/names.h"
#include "config/reading.h"
#include "config/settings.h"

namespace ecrelay::config {

/// What must hold between settings: names are unique and resolve, a domain belongs to one shop,
/// TLS has its certificate, secrets do not travel in clear, nothing relays for strangers.
/// Reports to `reading`; passes over settings that could not be read.
void check(const Settings& settings, Reading& reading);

// The parts of check() that have files of their own.
void check_hosts(const Settings& settings, const Known& shops, Reading& reading);
void check_shops(const Settings& settings, const Known& upstreams, Reading& reading);
void check_dns(const Settings& settings, Reading& reading);
void check_prices(const Billing& billing, const std::string& path, Reading& reading);

}  // namespace ecrelay::config

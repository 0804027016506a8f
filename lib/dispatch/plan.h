#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "config/settings.h"
#include "core/result.h"
#include "core/time.h"
#include "dispatch/conclusion.h"
#include "net/tls.h"

namespace ecrelay::dispatch {

/// How an upstream is reached. Immutable: what began with it keeps it.
struct Route {
  config::Upstream settings;
  std::string authorities;  ///< PEM of `ca`
  net::TlsMinimum minimum = net::TlsMinimum::v1_2;
  std::optional<net::TlsClient> tls;
};

using Routes = std::map<std::string, std::shared_ptr<const Route>>;  ///< by name of the upstream

/// What dispatch does by one configuration: made and checked anywhere, put in force whole.
struct Plan {
  Rules rules;
  Routes routes;
};

/// A route that would be as in `before` is the same object, so that its connections go on. Errors
/// (invalid, a line each): TLS towards an upstream that cannot be set up, a shop without a price
/// for today.
Result<Plan> make_plan(const config::Settings& settings, const Routes& before, TimePoint at);

}  // namespace ecrelay::dispatch

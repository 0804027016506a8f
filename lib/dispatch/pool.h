#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "dispatch/plan.h"
#include "dispatch/servers.h"

namespace ecrelay::dispatch {

/// The servers of a route, their health, and the connections to them. A changed route gets a pool
/// of its own with every breaker closed: somebody has just mended something. Connections hold on to
/// the pool they were made over. Network thread.
struct Pool {
  explicit Pool(std::shared_ptr<const Route> over)
      : route(std::move(over)),
        servers(route->settings.servers, route->settings.breaker),
        open_connections(route->settings.servers.size(), 0) {}

  const config::Upstream& settings() const { return route->settings; }

  std::shared_ptr<const Route> route;
  Servers servers;
  std::vector<std::size_t> open_connections;  ///< by server
};

}  // namespace ecrelay::dispatch

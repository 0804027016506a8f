#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "dns/judge.h"
#include "domains/needs.h"
#include "net/awaitable.h"
#include "net/endpoint.h"

namespace ecrelay::domains {

/// Looks at all that one domain should have in DNS: asks the resolver (the one given, else the
/// configured) and every server of the zone. Takes about 5 s for all servers that keep silent
/// together; bounded by ZoneServers' number of questions and time, and the advice says when they
/// were used up. Network thread.
asio::awaitable<dns::Report> examine(Domain domain,
                                     std::shared_ptr<const config::Settings> settings,
                                     std::optional<net::Endpoint> resolver);

/// All the domains of the configuration, or the one named (not_found: there is none), several at a
/// time, in the order of the configuration.
asio::awaitable<Result<std::vector<dns::Report>>> examine_some(
    std::shared_ptr<const config::Settings> settings, std::optional<std::string> domain,
    std::optional<net::Endpoint> resolver);

}  // namespace ecrelay::domains

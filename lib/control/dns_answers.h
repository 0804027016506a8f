#pragma once

#include <boost/json/object.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "control/answers.h"
#include "core/result.h"
#include "dns/judge.h"
#include "net/awaitable.h"
#include "net/endpoint.h"

/// What shops publish: `dns.show` and `dns.check`.
namespace ecrelay::control {

/// What is to be looked at.
struct DnsOrder {
  DnsOrder() = default;
  std::optional<std::string> domain;      ///< else all
  std::optional<net::Endpoint> resolver;  ///< else the configured one
};

/// Looks, on the network thread. Errors: not_found, no such domain.
using Examine = std::function<asio::awaitable<Result<std::vector<dns::Report>>>(DnsOrder order)>;
/// Makes it from a configuration file, for when the daemon is down.
using Examiner = std::function<Examine(const config::Settings& settings)>;

bool asks_dns(std::string_view command);
/// Error in the arguments: invalid. `dns.check` has "ok": whether everything is as it should be.
asio::awaitable<Answer> answer_dns(std::string command, boost::json::object arguments,
                                   Examine examine);
/// The same without a network thread of one's own.
Answer answer_dns_here(const std::string& command, const boost::json::object& arguments,
                       const Examine& examine);

}  // namespace ecrelay::control

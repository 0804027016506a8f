#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace ecrelay::dns {

bool is_dmarc(std::string_view record);

/// The policy of a DMARC record (RFC 7489 6.3): none, quarantine or reject. Errors (invalid):
/// syntax, no p=, another policy.
Result<std::string> parse_dmarc(std::string_view record);

}  // namespace ecrelay::dns

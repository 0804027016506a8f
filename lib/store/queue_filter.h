#pragma once

#include <optional>
#include <string>

#include "store/queue.h"

namespace ecrelay::store {

/// The conditions of a filter as SQL, for table recipient under the name `r`, with the parameters
/// ?2 message, ?3 shop, ?4 key_ending(). Each shape of filter is a statement of its own, so that
/// it uses the index it can; a statement around it that has a ?5 can always bind all five.
std::string conditions(const QueueFilter& filter);

/// How keys of a domain end: "@example.jp".
std::optional<std::string> key_ending(const std::optional<std::string>& domain);

}  // namespace ecrelay::store

#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"

namespace ecrelay::control {

/// Text from outside as a JSON string: malformed UTF-8, which JSON cannot carry, becomes visible
/// (\xNN); everything else is kept as it is.
boost::json::string json_text(std::string_view text);

boost::json::array json_list(const std::vector<std::string>& texts);

/// RFC 3339 in JST, or null.
boost::json::value json_time(const std::optional<TimePoint>& at);

/// One line of JSON that may also be shown on a terminal: what disguises text (core/escape.h) and
/// DEL are written as \uNNNN, which means the same.
std::string serialized(const boost::json::object& object);

}  // namespace ecrelay::control

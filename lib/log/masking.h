#pragma once

#include <string>
#include <string_view>

namespace ecrelay::log {

/// The text with the local part of every address in it shortened to its first character and "***":
/// "<h***@customer.example>: user unknown". Private to the module.
std::string masked(std::string_view text);

}  // namespace ecrelay::log

#pragma once

#include <string_view>

namespace ecrelay::policy {

/// What a final failure or a complaint does to an address.
enum class Effect {
  none,       ///< says nothing final about anybody
  ignore,     ///< about us, our content or a policy: counts for alarms, never for the address
  count,      ///< one soft point for the address
  suppress,   ///< now
  complaint,  ///< the recipient wants no more of it
};

std::string_view to_text(Effect effect);  ///< the enumerator's own name

}  // namespace ecrelay::policy

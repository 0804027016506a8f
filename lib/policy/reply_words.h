#pragma once

#include <span>
#include <string_view>

#include "policy/reply_text.h"

namespace ecrelay::policy {

/// By what a topic is recognised. Private to reply_text.
struct Signs {
  std::span<const Status> codes;
  std::string_view words;  ///< phrases in lower case, separated by '|'
};

Signs signs_of(Topic topic);

}  // namespace ecrelay::policy

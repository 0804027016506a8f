#pragma once

#include <span>
#include <string_view>

#include "policy/reply_text.h"

namespace ecrelay::policy {

/// By what a topic is recognised. Private to reply_text.
struct Signs {
  std::span<const Status> codes;
  std::string_view words;  ///< phrases as ReplyText::contains() takes them, separated by '|'
};

Signs signs_of(Topic topic);

/// Phrases with which bounces of any reason are written; they state nothing.
std::string_view words_of_frames();

}  // namespace ecrelay::policy

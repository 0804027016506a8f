#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "control/arguments.h"
#include "core/result.h"
#include "core/ulid.h"
#include "mail/address.h"
#include "store/queue.h"

/// What people type, as the book has it. What cannot be read becomes a complaint of `given`.
namespace ecrelay::control {

/// Argument "address", in any spelling, also within angle brackets.
std::optional<mail::Address> address_in(Arguments& given);
/// Argument "domain" ("example.jp", "@example.jp", 日本語.jp) as keys have it.
std::optional<std::string> domain_in(Arguments& given);
/// Argument "message".
std::optional<Ulid> message_in(Arguments& given);
/// Argument "messages", each once.
std::vector<Ulid> messages_in(Arguments& given);
/// Arguments "message", "shop" and "domain".
store::QueueFilter queue_filter_in(Arguments& given);

/// Argument `name`, a time.
std::optional<TimePoint> time_in(Arguments& given, const std::string& name);
/// Argument "reason": evidence for years, so it must be there, and be a sentence, not a file.
std::string reason_in(Arguments& given);

/// An address as people type it.
Result<mail::Address> typed_address(std::string_view text);

/// not_found with "did you mean", when the configuration has no such shop.
std::optional<Error> unknown_shop(const std::string& shop, const config::Settings& settings);

/// " of shop 'a'", " at example.jp", …: the criteria in words.
std::string in_words(const store::QueueFilter& filter);

}  // namespace ecrelay::control

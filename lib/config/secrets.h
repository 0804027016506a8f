#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/secret.h"

namespace ecrelay::config {

/// True for "file:…", "credential:…" and "env:…".
bool is_reference(std::string_view text);

/// The secret that `reference` names: "file:PATH" (relative to `folder`), "credential:NAME" (in
/// $CREDENTIALS_DIRECTORY) or "env:NAME". Line ends at its end are cut off.
///
/// Refused: not a regular file, larger than 64 KiB, owned by somebody else than root or this
/// user, readable or writable by group or others, empty. What is checked is the opened file
/// itself, so symbolic links are followed (certbot's live/ is made of them): a link can only
/// lead to a file that would be accepted by its own name. The detail never holds the secret.
Result<Secret> read_secret(std::string_view reference, const std::filesystem::path& folder);

/// Text that is not secret (a certificate), by the same references; any owner and mode.
Result<std::string> read_public(std::string_view reference, const std::filesystem::path& folder);

}  // namespace ecrelay::config

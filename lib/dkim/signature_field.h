#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "dkim/signer.h"

namespace ecrelay::dkim {

/// The text of one DKIM-Signature field, laid out byte for byte as libopendkim 2.11 does: so the
/// engines can be compared whole.
struct SignatureField {
  const Identity& identity;
  std::int64_t time;                        ///< t=, seconds of Unix time
  std::string body_hash;                    ///< bh=, base64
  std::span<const std::string_view> names;  ///< h=

  /// What follows "DKIM-Signature: ", folded, without the final CRLF; `signature` is the base64 of
  /// b=, empty for the text that is itself signed.
  std::string value(std::string_view signature) const;
};

inline constexpr std::string_view signature_name = "DKIM-Signature";

}  // namespace ecrelay::dkim

#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "dkim/signer.h"

namespace ecrelay::dkim {

/// A header field of the message: views into the head.
struct Field {
  std::string_view name;   ///< as spelled, without white space before the colon
  std::string_view value;  ///< after the colon, folds included, without the final CRLF
};

/// The fields of the head that are to be signed, in their order. Errors (invalid): no From, a bare
/// CR or LF, a NUL, VT or FF in a signed field (libopendkim takes VT and FF for white space, RFC
/// 6376 does not), repeated fields beyond what libopendkim lists (4 KiB of names). Lines that are
/// no field are passed over.
Result<std::vector<Field>> fields_to_sign(std::string_view head);

/// The names for h=: those present as spelled, in order, then every signed name once more.
std::vector<std::string_view> listed_names(std::span<const Field> fields);

/// What comes out of a domain or selector goes into a tag list: letters, digits, '-', '_', '.'
/// only.
Result<void> check(const Identity& identity);

}  // namespace ecrelay::dkim

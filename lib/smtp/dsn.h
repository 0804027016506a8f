#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ecrelay::smtp {

/// What the sender wants back in a failure report (RFC 3461 4.3).
enum class Ret { unspecified, full, headers };

/// When the sender wants a report about a recipient (RFC 3461 4.1). All false: not said.
struct Notify {
  bool never = false;
  bool success = false;
  bool failure = false;
  bool delay = false;

  bool said() const { return never || success || failure || delay; }
  bool operator==(const Notify&) const = default;
};

/// The value of a NOTIFY parameter; nothing for bad syntax, NEVER with others, or a repetition.
std::optional<Notify> parse_notify(std::string_view value);
std::string to_text(const Notify& notify);  ///< "SUCCESS,DELAY"; "" when not said

/// RFC 3461 4 xtext: "+3D" for what cannot stand in a parameter.
std::string xtext_encoded(std::string_view text);
/// Nothing for bad xtext, and for text that decodes to control bytes or to bytes above 0x7f that
/// are not UTF-8: it ends up in headers, reports and logs.
std::optional<std::string> xtext_decoded(std::string_view xtext);

}  // namespace ecrelay::smtp

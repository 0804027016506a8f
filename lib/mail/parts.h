#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ecrelay::mail {

/// A field of a header, or of a delivery status, without its folding.
struct LooseField {
  std::string name;  ///< lower case
  std::string value;
};

/// The fields of a header section as they can be made out: lines that are none are passed over,
/// and so is an mbox "From " line. Lines end in LF. At most 1000.
std::vector<LooseField> loose_fields(std::string_view section);
/// The first of that name (lower case), "" without.
std::string_view value_of(const std::vector<LooseField>& fields, std::string_view name);

/// A leaf of the MIME tree.
struct Part {
  std::string type;  ///< "text/plain", lower case, without parameters
  /// Transfer encoding undone, text as UTF-8, lines end in LF. A returned message (message/rfc822,
  /// text/rfc822-headers …) is kept as it came.
  std::string body;

  /// What we sent, given back whole or in part.
  bool is_original() const;
};

/// A mail taken apart without trust: LF, CRLF and CR end lines alike, boundaries may be missing,
/// nothing is an error. Read are the first 1 MiB, 8 levels, 64 parts and 256 KiB of each; returned
/// messages are not opened. Cost: a few passes over what is read.
struct MailParts {
  std::vector<LooseField> header;
  std::vector<Part> parts;
};
MailParts take_apart(std::string_view bytes);

/// The text that a reader of HTML sees, block elements on lines of their own. Scripts and styles
/// are left out.
std::string text_of_html(std::string_view html);

}  // namespace ecrelay::mail

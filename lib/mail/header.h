#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace ecrelay::mail {

/// One field of a header section, as views into the message's bytes.
struct Field {
  std::string_view name;   ///< as spelled
  std::string_view raw;    ///< from the name through the CRLF of its last folded line
  std::string_view value;  ///< behind the colon, folding kept, without the last CRLF

  /// The field has this name (case does not count).
  bool is(std::string_view other) const;
};

struct HeaderLimits {
  std::size_t bytes = 256 * 1024;  ///< of the section, the empty line not counted
  std::size_t fields = 1000;       ///< lines that are no field count too
};

/// The header section of a message: the one reading of it, for the checks, for the signer and for
/// the wire. Views into the message: it must outlive the section.
///
/// Only CRLF ends a line (intake has refused bare CR, bare LF and NUL before; here they are
/// ordinary bytes). The section ends at the first empty line, whatever stands before it; a
/// message without an empty line is all header and has no body. A line of white space only is
/// not empty: it continues the field before it (RFC 5322 4.2 obs-FWS; Ruby's mail writes such).
/// A field begins with a name of printable ASCII directly followed by a colon. Every other line
/// that does not continue a field is a stray line (junk in front, mbox "From ", a space before
/// the colon). Readers disagree about what follows one (Postfix ends the header there, Perl's
/// Mail::DKIM reads on), so a message that holds one has to be refused. Lines that continue a
/// stray line belong to it.
class HeaderSection {
 public:
  /// One pass that reads the section and not the body, and allocates per field, not per byte.
  /// Error `refused` once a limit is passed; the text is fit for a peer.
  static Result<HeaderSection> scan(std::string_view message, const HeaderLimits& limits = {});

  const std::vector<Field>& fields() const { return fields_; }
  const std::vector<std::string_view>& stray_lines() const { return stray_lines_; }
  /// What stands behind the empty line; empty when there is none.
  std::string_view body() const { return body_; }
  bool has_empty_line() const { return has_empty_line_; }
  /// Bytes before body(), the empty line included.
  std::size_t body_offset() const { return body_offset_; }

  /// The first field of that name, or null. Linear in the number of fields, as is count().
  const Field* find(std::string_view name) const;
  std::size_t count(std::string_view name) const;

 private:
  /// Takes a field whose name is that long, or with 0 a stray line.
  void add(std::string_view block, std::size_t name);

  std::vector<Field> fields_;
  std::vector<std::string_view> stray_lines_;
  std::string_view body_;
  std::size_t body_offset_ = 0;
  bool has_empty_line_ = false;
};

/// A value on one line, without white space at its ends: each CRLF is taken out, the white space
/// of the folding stays (RFC 5322 2.2.3).
std::string unfolded(std::string_view value);

}  // namespace ecrelay::mail

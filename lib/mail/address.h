#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/result.h"

namespace ecrelay::mail {

/// Whether bytes above 0x7f may stand in an address: only after SMTPUTF8 (RFC 6531) on the wire,
/// always in header fields and in what operators type.
enum class Utf8 { refused, allowed };

/// One mailbox, checked, with its spelling kept. Copied and compared freely; nothing in it can
/// break out of an SMTP command: no control or format character, no space outside quotes.
class Address {
 public:
  /// The spelling received, the default form for the wire; only a dot after the domain is gone.
  const std::string& text() const { return text_; }
  /// As received: quotes and backslashes of a quoted local part are still there.
  std::string_view local() const { return std::string_view(text_).substr(0, at_); }
  std::string_view domain() const { return std::string_view(text_).substr(at_ + 1); }

  /// The form of the grammar (RFC 5321 4.1.2): bare for a dot-string, else quoted. The carrier
  /// form a..b@docomo.ne.jp becomes "a..b"@docomo.ne.jp.
  std::string quoted() const;
  /// Without quotes wherever letters, marks and dots in any order can stand for themselves:
  /// a..b@docomo.ne.jp. Only what cannot (spaces, @, …) stays quoted.
  std::string bare() const;

  /// The one key of all spellings, for suppression and billing: bare(), the local part folded in
  /// its ASCII letters only (no Unicode folding, no NFC: two mailboxes are never made one by
  /// guess), the domain as domain_key(). A key is itself an address with itself as key.
  std::string key() const;

  /// False when it can only be sent with SMTPUTF8. (A UTF-8 domain under an ASCII local part
  /// could be sent as domain_key() instead.)
  bool is_ascii() const;

  /// Same spelling; for "same mailbox" compare keys.
  bool operator==(const Address&) const = default;

 private:
  friend Result<Address> parse_address(std::string_view text, Utf8 utf8);
  Address(std::string text, std::size_t at) : text_(std::move(text)), at_(at) {}

  std::string text_;
  std::size_t at_;
};

/// Reads what stands between the angle brackets of MAIL or RCPT, without a source route; the
/// null path "<>" is the caller's. Accepted: dot-strings and quoted strings, and the forms that
/// Japanese carriers once gave out (dots leading, in a row, before the @), bare or quoted. `%`
/// and `!` are ordinary characters and never re-read (THREATS "open relay by form").
/// Limits in octets as spelled: local part 64, domain 255, label 63 (as A-label), whole 254.
/// Errors: `invalid` is bad syntax; `refused` is well-formed, and nowhere public mail can go:
/// an address literal, a domain without a dot, one whose last label is a number. The texts are
/// fixed, hold nothing of the input, and may be shown to a peer.
Result<Address> parse_address(std::string_view text, Utf8 utf8);

/// The one form of a domain for comparing: A-labels (UTS #46 non-transitional), lower case,
/// without a dot at the end. Look-alikes of other scripts stay different. Text that is no IDN
/// comes back lower-cased, whatever it is.
std::string domain_key(std::string_view domain);

/// The domain is a name that mail can be for: at least two labels of letters, digits, hyphens
/// (inside) and underscores, the last not a number. For A-labels: pass a domain_key().
Result<void> check_domain(std::string_view ascii);

}  // namespace ecrelay::mail

#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/time.h"
#include "dkim/key.h"

namespace ecrelay::dkim {

/// Who signs: published at SELECTOR._domainkey.DOMAIN. Both as A-labels.
struct Identity {
  std::string domain;
  std::string selector;
  Key key;
};

/// Makes DKIM-Signature fields. Engines are interchangeable: for the same input and time they give
/// the same bytes (both algorithms are deterministic).
class Signer {
 public:
  virtual ~Signer() = default;

  /// `head`: the header section as it will be sent, every field ending in CRLF, with or without the
  /// empty line after it. `body`: what follows the empty line, in pieces, CRLF line ends only.
  /// Gives one complete "DKIM-Signature: …\r\n" field, folded, per identity and in their order, to
  /// be put on top. relaxed/relaxed, t= from `at`, no l=, header fields of signed_fields() each
  /// listed once more often than present, so that adding one breaks the signature. Errors: invalid
  /// (a head that cannot be signed: no From, malformed field, bare CR or LF), unavailable (the
  /// engine failed). Any thread, several at once; at `unavailable` nothing is to be sent (P6).
  /// Cost: about 2.3 ms an RSA-2048 signature with libopendkim (it parses the key each time).
  virtual Result<std::string> sign(std::string_view head, std::span<const std::string_view> body,
                                   std::span<const Identity> identities, TimePoint at) const = 0;

  /// The engine was found not to give the reference's bytes for such an identity, so that the
  /// reference signs: worth a warning.
  virtual bool uses_reference_for(const Identity&, TimePoint) const { return false; }
};

/// The reference engine: libopendkim for RSA. Ed25519 is signed as by the cached engine, because
/// libopendkim 2.11 leaks the key and 550 bytes at every Ed25519 signature (measured; it frees
/// RSA only). Throws std::runtime_error when the library cannot start.
std::unique_ptr<Signer> make_opendkim_signer();

/// Keys stay parsed, canonicalization is our own (0.9 ms an RSA-2048 signature at any mail size).
std::unique_ptr<Signer> make_cached_signer();

/// `fast` where it agrees with `reference`, else `reference`. Both sign a few odd mails for each
/// shape of identity (algorithm, bits, lengths of domain and selector) when it is first met.
std::unique_ptr<Signer> make_guarded_signer(std::unique_ptr<Signer> fast,
                                            std::unique_ptr<Signer> reference);

/// Signs a small mail as this identity and verifies the result with the public half: to be done
/// when a key is loaded, so that a signer that cannot sign is found before mail is taken.
Result<void> probe(const Signer& signer, const Identity& identity, TimePoint at);

/// The fields that are signed and oversigned, lower case.
std::span<const std::string_view> signed_fields();

}  // namespace ecrelay::dkim

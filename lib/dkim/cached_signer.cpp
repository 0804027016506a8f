#include <openssl/evp.h>

#include <array>
#include <vector>

#include "core/base64.h"
#include "core/text.h"
#include "dkim/canonical.h"
#include "dkim/signature_field.h"
#include "dkim/signed_fields.h"
#include "dkim/signer.h"

namespace ecrelay::dkim {

namespace {

/// What is signed: the listed fields, the last of equal ones first (RFC 6376 5.4.2), and the
/// signature field itself with an empty b=.
std::string signed_text(std::vector<Field> fields, const SignatureField& signature) {
  std::string text;
  for (const std::string_view name : signature.names) {
    for (auto field = fields.rbegin(); field != fields.rend(); ++field) {
      if (!text::iequals(field->name, name)) continue;
      text += relaxed_field(field->name, field->value) + "\r\n";
      fields.erase(std::next(field).base());
      break;
    }
  }
  return text + relaxed_field(signature_name, signature.value(""));
}

/// Empty when OpenSSL fails.
std::string signature_of(const Key& key, const std::string& text) {
  const bool rsa = key.algorithm() == Algorithm::rsa_sha256;
  // RFC 8463 3: Ed25519 signs the SHA-256 of the text, not the text.
  std::string message = text;
  if (!rsa) {
    Digest digest;
    digest.add(text);
    message = digest.finish();
  }
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  std::string out(static_cast<std::size_t>(EVP_PKEY_get_size(key.handle())), '\0');
  std::size_t size = out.size();
  const bool done =
      EVP_DigestSignInit(context.get(), nullptr, rsa ? EVP_sha256() : nullptr, nullptr,
                         key.handle()) == 1 &&
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                     reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1;
  out.resize(done ? size : 0);
  return out;
}

class CachedSigner final : public Signer {
 public:
  Result<std::string> sign(std::string_view head, std::span<const std::string_view> body,
                           std::span<const Identity> identities, TimePoint at) const override {
    const auto fields = fields_to_sign(head);
    if (!fields) return fields.error();
    BodyHash hash;
    for (const std::string_view piece : body) hash.add(piece);
    const std::string body_hash = base64_encode(hash.finish());
    const auto names = listed_names(*fields);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();

    std::string signatures;
    for (const Identity& identity : identities) {
      if (const auto usable = check(identity); !usable) return usable.error();
      const SignatureField field{identity, seconds, body_hash, names};
      const std::string signature = signature_of(identity.key, signed_text(*fields, field));
      if (signature.empty()) return unavailable("OpenSSL cannot sign for " + identity.domain);
      signatures +=
          std::string(signature_name) + ": " + field.value(base64_encode(signature)) + "\r\n";
    }
    return signatures;
  }
};

}  // namespace

std::unique_ptr<Signer> make_cached_signer() { return std::make_unique<CachedSigner>(); }

}  // namespace ecrelay::dkim

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "core/base64.h"
#include "core/text.h"
#include "dkim/canonical.h"
#include "dkim/signature_field.h"
#include "dkim/signer.h"

namespace ecrelay::dkim {

namespace {

// The probe is written in canonical form, so that its hash needs no canonicalization of ours.
constexpr std::string_view probe_from = "from:probe@ecrelay.invalid\r\n";
constexpr std::string_view probe_body = "probe\r\n";

/// The value of a tag without any white space.
std::string tag_value(std::string_view field, std::string_view tag) {
  for (const std::string_view part : text::split(field.substr(field.find(':') + 1), ';')) {
    const std::string_view trimmed = text::trimmed(part);
    const std::size_t equals = trimmed.find('=');
    if (equals == std::string_view::npos || trimmed.substr(0, equals) != tag) continue;
    std::string value(trimmed.substr(equals + 1));
    std::erase_if(value, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
    return value;
  }
  return {};
}

/// The signature field as it was signed: relaxed, b= empty (RFC 6376 3.7). b= is the last tag.
std::string without_signature(std::string_view field) {
  const std::size_t colon = field.find(':');
  const std::string relaxed = relaxed_field(field.substr(0, colon), field.substr(colon + 1));
  return relaxed.substr(0, relaxed.rfind("; b=") + 4);
}

std::string digest_of(std::string_view text) {
  Digest digest;
  digest.add(text);
  return digest.finish();
}

bool verifies(const Key& key, const std::string& signature, const std::string& text) {
  const bool rsa = key.algorithm() == Algorithm::rsa_sha256;
  const std::string message = rsa ? text : digest_of(text);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  return EVP_DigestVerifyInit(context.get(), nullptr, rsa ? EVP_sha256() : nullptr, nullptr,
                              key.handle()) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(), reinterpret_cast<const unsigned char*>(message.data()),
                          message.size()) == 1;
}

}  // namespace

Result<void> probe(const Signer& signer, const Identity& identity, TimePoint at) {
  const std::string who = identity.selector + "._domainkey." + identity.domain + ": ";
  const std::array<std::string_view, 1> body = {probe_body};
  const auto field = signer.sign(probe_from, body, std::span(&identity, 1), at);
  if (!field) return Error{field.error().code, who + field.error().detail};
  if (tag_value(*field, "bh") != base64_encode(digest_of(probe_body))) {
    return unavailable(who + "the signer hashes a body wrongly");
  }
  const auto signature = base64_decode(tag_value(*field, "b"));
  const std::string signed_text = std::string(probe_from) + without_signature(*field);
  if (!signature || !verifies(identity.key, *signature, signed_text)) {
    return unavailable(who + "the signature made for a probe does not verify");
  }
  return {};
}

}  // namespace ecrelay::dkim

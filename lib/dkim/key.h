#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/secret.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace ecrelay::dkim {

enum class Algorithm { rsa_sha256, ed25519_sha256 };

/// "rsa-sha256", "ed25519-sha256": as in the a= tag and in the configuration.
std::string_view name(Algorithm algorithm);
std::optional<Algorithm> parse_algorithm(std::string_view name);

/// A private key to sign with. Immutable, parsed once; copies share it, any thread may use it.
class Key {
 public:
  /// PEM, PKCS#1 ("RSA PRIVATE KEY") or PKCS#8 ("PRIVATE KEY"), not encrypted. Errors (invalid): no
  /// private key in it, encrypted, neither RSA nor Ed25519, RSA under 1024 bits.
  static Result<Key> parse(Secret pem);
  /// A new key: RSA with 2048 bits, or Ed25519.
  static Result<Key> generate(Algorithm algorithm);

  Algorithm algorithm() const { return algorithm_; }
  /// Of the modulus; 256 for Ed25519.
  unsigned bits() const { return bits_; }
  /// RSA below 2048 bits: worth a warning (RFC 8301 3.2).
  bool weak() const { return algorithm_ == Algorithm::rsa_sha256 && bits_ < 2048; }
  /// PKCS#8 PEM, whatever form it was read from.
  const Secret& pem() const { return pem_; }
  /// The TXT record that publishes the public half: "v=DKIM1; k=rsa; p=…" (RFC 6376 3.6.1, the
  /// whole SubjectPublicKeyInfo), "v=DKIM1; k=ed25519; p=…" (RFC 8463 4.2, the bare 32 bytes).
  const std::string& record() const { return record_; }
  evp_pkey_st* handle() const { return key_.get(); }

 private:
  Key() = default;
  static Result<Key> from(std::shared_ptr<evp_pkey_st> key);

  Algorithm algorithm_ = Algorithm::rsa_sha256;
  unsigned bits_ = 0;
  Secret pem_;
  std::string record_;
  std::shared_ptr<evp_pkey_st> key_;
};

/// A record cut into the strings of one TXT record: at most 255 bytes each (RFC 1035 3.3.14).
std::vector<std::string> txt_strings(std::string_view record);

}  // namespace ecrelay::dkim

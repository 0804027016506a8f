#include "dkim/key.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>

#include "core/base64.h"

namespace ecrelay::dkim {

namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

// RFC 6376 3.3.3 and RFC 8301 3.2: verifiers need not accept less.
constexpr int shortest_rsa = 1024;
constexpr std::size_t new_rsa = 2048;

// An encrypted key must fail, not ask for its password at the terminal of a daemon.
int no_password(char*, int, int, void*) { return -1; }

std::string bytes_of(const unsigned char* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

Secret to_pem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_secmem()), &BIO_free);
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return Secret(std::string(text, static_cast<std::size_t>(size)));
}

std::string public_half(EVP_PKEY* key, Algorithm algorithm) {
  if (algorithm == Algorithm::ed25519_sha256) {
    std::array<unsigned char, 32> raw{};
    std::size_t size = raw.size();
    EVP_PKEY_get_raw_public_key(key, raw.data(), &size);
    return bytes_of(raw.data(), size);
  }
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  std::string bytes = bytes_of(der, static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return bytes;
}

std::string record_of(EVP_PKEY* key, Algorithm algorithm) {
  const char* type = algorithm == Algorithm::rsa_sha256 ? "rsa" : "ed25519";
  return std::string("v=DKIM1; k=") + type + "; p=" + base64_encode(public_half(key, algorithm));
}

}  // namespace

std::string_view name(Algorithm algorithm) {
  return algorithm == Algorithm::rsa_sha256 ? "rsa-sha256" : "ed25519-sha256";
}

std::optional<Algorithm> parse_algorithm(std::string_view text) {
  for (const Algorithm algorithm : {Algorithm::rsa_sha256, Algorithm::ed25519_sha256}) {
    if (text == name(algorithm)) return algorithm;
  }
  return std::nullopt;
}

Result<Key> Key::from(std::shared_ptr<evp_pkey_st> key) {
  Key made;
  switch (EVP_PKEY_get_base_id(key.get())) {
    case EVP_PKEY_RSA:
      made.algorithm_ = Algorithm::rsa_sha256;
      break;
    case EVP_PKEY_ED25519:
      made.algorithm_ = Algorithm::ed25519_sha256;
      break;
    default:
      return invalid("not an RSA or Ed25519 key: DKIM knows no other");
  }
  const int bits = EVP_PKEY_get_bits(key.get());
  if (made.algorithm_ == Algorithm::rsa_sha256 && bits < shortest_rsa) {
    return invalid("an RSA key of " + std::to_string(bits) + " bits: 1024 are the least, use 2048");
  }
  made.bits_ = made.algorithm_ == Algorithm::rsa_sha256 ? static_cast<unsigned>(bits) : 256;
  made.pem_ = to_pem(key.get());
  made.record_ = record_of(key.get(), made.algorithm_);
  made.key_ = std::move(key);
  return made;
}

Result<Key> Key::parse(Secret pem) {
  const std::string& text = pem.reveal();
  if (text.find("ENCRYPTED") != std::string::npos) {
    return invalid(
        "the private key is encrypted; store it decrypted, readable by the service only");
  }
  const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free);
  std::shared_ptr<evp_pkey_st> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_password, nullptr), &EVP_PKEY_free);
  if (!key) {
    return invalid(text.find("PUBLIC KEY") == std::string::npos
                       ? "no PEM private key in it"
                       : "a public key; the private one is needed");
  }
  return from(std::move(key));
}

Result<Key> Key::generate(Algorithm algorithm) {
  EVP_PKEY* made = algorithm == Algorithm::rsa_sha256
                       ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", new_rsa)
                       : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  if (made == nullptr) return unavailable("OpenSSL cannot make a key");
  return from(std::shared_ptr<evp_pkey_st>(made, &EVP_PKEY_free));
}

std::vector<std::string> txt_strings(std::string_view record) {
  constexpr std::size_t longest = 255;
  std::vector<std::string> strings;
  for (std::size_t at = 0; at < record.size(); at += longest) {
    strings.emplace_back(record.substr(at, longest));
  }
  return strings;
}

}  // namespace ecrelay::dkim

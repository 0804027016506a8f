#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "core/secret.h"

namespace ecrelay::net {

/// A key and a certificate made for a test; issued by another one or by itself.
class TestCertificate {
 public:
  struct Wish {
    std::string names = "DNS:relay.example";  // subjectAltName
    std::string subject = "relay.example";
    long begins = -3600;  // seconds from now
    long ends = 3600;
    bool authority = false;
    EVP_PKEY* key = nullptr;  // taken over
  };

  explicit TestCertificate(const Wish& wish, const TestCertificate* issuer = nullptr)
      : key_(wish.key != nullptr ? wish.key : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"),
             &EVP_PKEY_free),
        certificate_(X509_new(), &X509_free) {
    X509* made = certificate_.get();
    static long serial = 1;
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made), wish.begins);
    X509_gmtime_adj(X509_getm_notAfter(made), wish.ends);
    X509_set_pubkey(made, key_.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(wish.subject.c_str()), -1, -1,
                               0);
    const X509* by = issuer != nullptr ? issuer->certificate_.get() : made;
    X509_set_issuer_name(made, X509_get_subject_name(by));
    extend(NID_basic_constraints, wish.authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (!wish.authority) extend(NID_subject_alt_name, wish.names);
    X509_sign(made, issuer != nullptr ? issuer->key_.get() : key_.get(), EVP_sha256());
  }

  std::string pem() const {
    return written([this](BIO* bio) { PEM_write_bio_X509(bio, certificate_.get()); });
  }
  Secret key() const {
    return Secret(written([this](BIO* bio) {
      PEM_write_bio_PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    }));
  }
  X509* certificate() const { return certificate_.get(); }
  EVP_PKEY* handle() const { return key_.get(); }

 private:
  void extend(int kind, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
    X509_add_ext(certificate_.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }

  template <typename Write>
  static std::string written(Write write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
    write(bio.get());
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
  }

  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
  std::unique_ptr<X509, decltype(&X509_free)> certificate_;
};

inline TestCertificate test_authority() {
  TestCertificate::Wish wish;
  wish.subject = "Test CA";
  wish.authority = true;
  return TestCertificate(wish);
}

}  // namespace ecrelay::net

#include "net/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <optional>
#include <string_view>
#include <vector>

namespace ecrelay::net {

namespace {

using Context = std::shared_ptr<SSL_CTX>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using PrivateKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

Bio reader(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

// An encrypted key must fail, not ask for its password at the terminal of a daemon.
int no_password(char*, int, int, void*) { return -1; }

Context new_context(const SSL_METHOD* method, TlsMinimum minimum) {
  Context context(SSL_CTX_new(method), &SSL_CTX_free);
  SSL_CTX_set_min_proto_version(context.get(),
                                minimum == TlsMinimum::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  // Of TLS 1.2 only what has forward secrecy and authenticated encryption; 1.3 has nothing else.
  SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20");
  // Curves only: 1.3 would also take finite-field groups, whose largest cost a server a hundred
  // times what they cost the client (CVE-2002-20001).
  SSL_CTX_set1_groups_list(context.get(), "X25519:P-256:P-384");
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

int choose_smtp(SSL*, const unsigned char** chosen, unsigned char* size,
                const unsigned char* offered, unsigned length, void*) {
  static constexpr std::array<unsigned char, 5> smtp = {4, 's', 'm', 't', 'p'};
  unsigned char* match = nullptr;
  if (SSL_select_next_proto(&match, size, smtp.data(), smtp.size(), offered, length) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *chosen = match;
  return SSL_TLSEXT_ERR_OK;
}

int accept_any_certificate(X509_STORE_CTX*, void*) { return 1; }

/// What is wrong with it is kept for SSL_get_verify_result.
int note_whether_it_verifies(X509_STORE_CTX* chain, void*) {
  X509_verify_cert(chain);
  return 1;
}

std::vector<Certificate> certificates(const std::string& pem) {
  std::vector<Certificate> all;
  const Bio bio = reader(pem);
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    all.emplace_back(next, &X509_free);
  }
  return all;
}

TimePoint time_of(const ASN1_TIME* time) {
  std::tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  return TimePoint(std::chrono::seconds(timegm(&parts)));
}

std::optional<Error> unusable(X509* certificate, TimePoint at) {
  const TimePoint begins = time_of(X509_get0_notBefore(certificate));
  const TimePoint ends = time_of(X509_get0_notAfter(certificate));
  if (at > ends) return invalid("the certificate expired at " + timestamp(ends));
  if (at < begins) return invalid("the certificate is not valid before " + timestamp(begins));
  return std::nullopt;
}

Result<PrivateKey> private_key(const std::string& pem) {
  if (pem.find("ENCRYPTED") != std::string::npos) {
    return invalid(
        "the private key is encrypted; store it decrypted, readable by the service only");
  }
  const Bio bio = reader(pem);
  PrivateKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_password, nullptr),
                 &EVP_PKEY_free);
  if (!key) return invalid("no PEM private key in the key file");
  if (EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key.get()) < 2048) {
    return invalid("an RSA key of " + std::to_string(EVP_PKEY_get_bits(key.get())) +
                   " bits: 2048 are the least");
  }
  return key;
}

/// The certificates that it trusts from now on.
std::vector<Certificate> trust(SSL_CTX* context, const std::string& ca_pem) {
  std::vector<Certificate> all = certificates(ca_pem);
  ERR_clear_error();
  for (const Certificate& ca : all) X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca.get());
  return all;
}

/// Tells clients which CAs count (RFC 8446 4.2.4), so that they choose the right certificate.
Result<void> ask_for_certificates(SSL_CTX* context, const std::string& client_ca) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(
      context, client_ca.empty() ? &accept_any_certificate : &note_whether_it_verifies, nullptr);
  if (client_ca.empty()) return Result<void>();
  const std::vector<Certificate> all = trust(context, client_ca);
  if (all.empty()) return invalid("no PEM certificate in the file of client CAs");
  for (const Certificate& ca : all) SSL_CTX_add_client_CA(context, ca.get());
  ERR_clear_error();
  return Result<void>();
}

std::string openssl_reason() {
  const char* text = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return text != nullptr ? text : "unknown reason";
}

}  // namespace

Result<TlsServer> TlsServer::make(const std::string& chain, const Secret& key, TimePoint at,
                                  Options options) {
  const std::vector<Certificate> all = certificates(chain);
  ERR_clear_error();
  if (all.empty()) return invalid("no PEM certificate in the certificate file");
  if (const auto error = unusable(all.front().get(), at)) return *error;
  const auto parsed = private_key(key.reveal());
  ERR_clear_error();
  if (!parsed) return parsed.error();
  if (X509_check_private_key(all.front().get(), parsed->get()) != 1) {
    ERR_clear_error();
    return invalid("the key does not belong to the first certificate of the chain");
  }

  const Context context = new_context(TLS_server_method(), options.minimum);
  if (SSL_CTX_use_certificate(context.get(), all.front().get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), parsed->get()) != 1) {
    return invalid("OpenSSL refuses the certificate: " + openssl_reason());
  }
  for (std::size_t i = 1; i < all.size(); ++i) {
    SSL_CTX_add1_chain_cert(context.get(), all[i].get());
  }
  SSL_CTX_set_alpn_select_cb(context.get(), &choose_smtp, nullptr);
  SSL_CTX_set_num_tickets(context.get(), 1);
  constexpr std::array<unsigned char, 7> name = {'e', 'c', 'r', 'e', 'l', 'a', 'y'};
  SSL_CTX_set_session_id_context(context.get(), name.data(), name.size());
  if (options.request_client_certificate) {
    const auto asked = ask_for_certificates(context.get(), options.client_ca);
    if (!asked) return asked.error();
  }
  const bool verifies = options.request_client_certificate && !options.client_ca.empty();
  return TlsServer(context, time_of(X509_get0_notAfter(all.front().get())), verifies);
}

bool TlsServer::fits(const std::string& name) const {
  X509* own = SSL_CTX_get0_certificate(context_.get());
  const bool fits = X509_check_host(own, name.c_str(), name.size(),
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1 ||
                    X509_check_ip_asc(own, name.c_str(), 0) == 1;
  ERR_clear_error();
  return fits;
}

Result<TlsClient> TlsClient::unverified(TlsMinimum minimum) {
  const Context context = new_context(TLS_client_method(), minimum);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  return TlsClient(context, false);
}

Result<TlsClient> TlsClient::verifying(const std::string& ca_pem, TlsMinimum minimum) {
  const Context context = new_context(TLS_client_method(), minimum);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (ca_pem.empty()) {
    if (SSL_CTX_set_default_verify_paths(context.get()) != 1) {
      return unavailable("the system's CA certificates: " + openssl_reason());
    }
    return TlsClient(context, true);
  }
  if (trust(context.get(), ca_pem).empty()) return invalid("no PEM certificate in the CA file");
  return TlsClient(context, true);
}

}  // namespace ecrelay::net

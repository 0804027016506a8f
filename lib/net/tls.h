#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/secret.h"
#include "core/time.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace ecrelay::net {

/// The oldest version that is spoken.
enum class TlsMinimum { v1_2, v1_3 };

/// What a handshake agreed on.
struct TlsInfo {
  std::string protocol;          ///< "TLSv1.3"
  std::string cipher;            ///< "TLS_AES_256_GCM_SHA384"
  std::string sni;               ///< the name the client asked for; empty when it did not
  std::string peer_fingerprint;  ///< SHA-256 of the peer's certificate, 64 lower-case hex; empty
                                 ///< without one
  std::string peer_name;  ///< subject of the peer's certificate, one line; from outside, unescaped
  std::vector<std::string> peer_names;  ///< as server, when the chain verified: its DNS names
  bool verified = false;                ///< the peer's chain (and as client its name) verified
};

/// Our side of TLS as a server: TLS 1.2 and 1.3, for 1.2 only ECDHE with AEAD, no renegotiation, no
/// compression, session tickets, ALPN `smtp` chosen when the client offers ALPN (a client that
/// offers only other protocols is refused, RFC 7301 3.2). Immutable; copies share; a handshake
/// keeps what it needs alive, so a reload may replace it at any time.
class TlsServer {
 public:
  struct Options {
    /// Asks for a client certificate and goes on without one, or with one that does not verify:
    /// TlsInfo::peer_fingerprint says which key the client holds, the caller compares.
    bool request_client_certificate = false;
    /// CAs (PEM) of clients whose names count; empty: none does.
    std::string client_ca;
    TlsMinimum minimum = TlsMinimum::v1_2;

    bool operator==(const Options&) const = default;
  };

  /// `chain` is PEM: the server's certificate first, then intermediates. Errors (readable, naming
  /// what is wrong): no or damaged PEM, expired or not yet valid at `at`, key does not belong to
  /// the certificate, key encrypted or too weak (RSA < 2048).
  static Result<TlsServer> make(const std::string& chain, const Secret& key, TimePoint at,
                                Options options);
  static Result<TlsServer> make(const std::string& chain, const Secret& key, TimePoint at) {
    return make(chain, key, at, Options());
  }

  /// When the first certificate of the chain ends.
  TimePoint expires() const { return expires_; }
  /// Would a client believe it that looks for this name (RFC 6125) or IP address?
  bool fits(const std::string& name) const;

 private:
  friend class Stream;
  TlsServer(std::shared_ptr<ssl_ctx_st> context, TimePoint expires, bool verifies)
      : context_(std::move(context)), expires_(expires), verifies_(verifies) {}

  std::shared_ptr<ssl_ctx_st> context_;
  TimePoint expires_;
  bool verifies_;
};

/// Our side of TLS as a client: the same protocols and ciphers, SNI always sent for names.
/// Immutable; copies share.
class TlsClient {
 public:
  /// Encrypts, believes any certificate: for `opportunistic` and `required`, where a checked name
  /// is not asked for (RFC 7435).
  static Result<TlsClient> unverified(TlsMinimum minimum = TlsMinimum::v1_2);
  /// The chain must end at a CA of the system (`ca_pem` empty) or of `ca_pem`, and the certificate
  /// must name the host given to the handshake (names by RFC 6125, without partial wildcards; IP
  /// literals against IP subjectAltNames). A handshake with anything else fails.
  static Result<TlsClient> verifying(const std::string& ca_pem = std::string(),
                                     TlsMinimum minimum = TlsMinimum::v1_2);

  bool verifies() const { return verifies_; }

 private:
  friend class Stream;
  TlsClient(std::shared_ptr<ssl_ctx_st> context, bool verifies)
      : context_(std::move(context)), verifies_(verifies) {}

  std::shared_ptr<ssl_ctx_st> context_;
  bool verifies_;
};

}  // namespace ecrelay::net

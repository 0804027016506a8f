#include "net/tls_session.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/network.h"

namespace ecrelay::net {

namespace {

// OpenSSL's own socket BIO writes with write(), which raises SIGPIPE.
int fd_of(BIO* bio) { return static_cast<Descriptor*>(BIO_get_data(bio))->fd(); }

int bio_read(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t got = recv(fd_of(bio), data, static_cast<std::size_t>(size), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

int bio_write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t put = send(fd_of(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (put < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(put);
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* socket_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    BIO_meth_set_read(made, &bio_read);
    BIO_meth_set_write(made, &bio_write);
    BIO_meth_set_ctrl(made, &bio_control);
    return made;
  }();
  return method;
}

BIO* socket_bio(Descriptor& socket) {
  BIO* bio = BIO_new(socket_method());
  BIO_set_data(bio, &socket);
  BIO_set_init(bio, 1);
  return bio;
}

std::string hex(std::span<const unsigned char> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string fingerprint(X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), digest.data(), &size);
  return hex(std::span(digest).first(size));
}

std::string subject(X509* certificate) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), &BIO_free);
  X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0,
                     XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

TlsSession::TlsSession(ssl_ctx_st* context, Descriptor& socket)
    : socket_(socket), ssl_(SSL_new(context), &SSL_free) {
  BIO* bio = socket_bio(socket);
  SSL_set_bio(ssl_.get(), bio, bio);
}

std::unique_ptr<TlsSession> TlsSession::server(ssl_ctx_st* context, Descriptor& socket) {
  std::unique_ptr<TlsSession> session(new TlsSession(context, socket));
  SSL_set_accept_state(session->ssl_.get());
  return session;
}

std::unique_ptr<TlsSession> TlsSession::client(ssl_ctx_st* context, Descriptor& socket,
                                               const std::string& host) {
  std::unique_ptr<TlsSession> session(new TlsSession(context, socket));
  SSL* ssl = session->ssl_.get();
  SSL_set_connect_state(ssl);
  if (IpAddress::parse(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
  } else {
    // SSL_set_tlsext_host_name() without its C cast.
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(host.c_str()));
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(ssl, host.c_str());
  }
  return session;
}

int TlsSession::attempt(Step step, char* data, std::size_t size) {
  const int length = static_cast<int>(std::min<std::size_t>(size, 1 << 30));
  ERR_clear_error();
  errno = 0;
  switch (step) {
    case Step::handshake:
      return SSL_do_handshake(ssl_.get());
    case Step::read:
      return SSL_read(ssl_.get(), data, length);
    case Step::write:
      return SSL_write(ssl_.get(), data, length);
  }
  return 0;
}

void TlsSession::fail(Step step, int error) const {
  const int cause = errno;
  const unsigned long reason = ERR_peek_error();
  const std::string during = step == Step::handshake ? "TLS handshake" : "TLS";
  if (error == SSL_ERROR_SYSCALL && cause != 0) throw_errno(during, cause);
  if (error == SSL_ERROR_SYSCALL || ERR_GET_REASON(reason) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    throw IoError(Trouble::closed, during + ": cut off by the peer",
                  std::make_error_code(std::errc::connection_reset));
  }
  const char* text = ERR_reason_error_string(reason);
  std::string what = during + ": " + (text != nullptr ? text : "failed");
  const long verdict = SSL_get_verify_result(ssl_.get());
  if (verdict != X509_V_OK && ERR_GET_REASON(reason) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    what += std::string(" (") + X509_verify_cert_error_string(verdict) + ")";
  }
  throw IoError(Trouble::tls, what, std::make_error_code(std::errc::protocol_error));
}

asio::awaitable<std::size_t> TlsSession::run(Step step, char* data, std::size_t size,
                                             bool stoppable) {
  for (;;) {
    const int done = attempt(step, data, size);
    if (done > 0) {
      if (socket_.owes_way()) co_await socket_.give_way();
      co_return static_cast<std::size_t>(done);
    }
    const int error = SSL_get_error(ssl_.get(), done);
    if (error == SSL_ERROR_ZERO_RETURN && step == Step::read) co_return 0;
    if (error == SSL_ERROR_WANT_READ) {
      co_await socket_.ready(Descriptor::Until::readable, stoppable);
    } else if (error == SSL_ERROR_WANT_WRITE) {
      co_await socket_.ready(Descriptor::Until::writable, stoppable);
    } else {
      fail(step, error);
    }
  }
}

asio::awaitable<void> TlsSession::handshake(bool stoppable) {
  co_await run(Step::handshake, nullptr, 0, stoppable);
}

asio::awaitable<std::size_t> TlsSession::read_some(std::span<char> buffer, bool stoppable) {
  return run(Step::read, buffer.data(), buffer.size(), stoppable);
}

asio::awaitable<void> TlsSession::write(std::string_view text) {
  while (!text.empty()) {
    // OpenSSL only reads it; attempt() has one type for both directions.
    char* data = const_cast<char*>(text.data());
    text.remove_prefix(co_await run(Step::write, data, text.size(), false));
  }
}

void TlsSession::say_goodbye() noexcept {
  ERR_clear_error();
  if (SSL_is_init_finished(ssl_.get()) != 0) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

namespace {

std::vector<std::string> dns_names(X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      &GENERAL_NAMES_free);
  std::vector<std::string> found;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    found.emplace_back(text, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  return found;
}

}  // namespace

TlsInfo TlsSession::info(bool verifying) const {
  TlsInfo info;
  info.protocol = SSL_get_version(ssl_.get());
  info.cipher = SSL_get_cipher_name(ssl_.get());
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  if (name != nullptr) info.sni = name;
  const std::unique_ptr<X509, decltype(&X509_free)> peer(SSL_get1_peer_certificate(ssl_.get()),
                                                         &X509_free);
  if (peer) {
    info.peer_fingerprint = fingerprint(peer.get());
    info.peer_name = subject(peer.get());
    info.verified = verifying && SSL_get_verify_result(ssl_.get()) == X509_V_OK;
    if (info.verified && SSL_is_server(ssl_.get()) == 1) info.peer_names = dns_names(peer.get());
  }
  return info;
}

}  // namespace ecrelay::net

#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/awaitable.h"
#include "net/descriptor.h"
#include "net/tls.h"

namespace ecrelay::net {

/// TLS on a descriptor: OpenSSL reads and writes the socket itself (no copies, no buffers between),
/// this waits where it would block.
class TlsSession {
 public:
  /// Both keep the context alive.
  static std::unique_ptr<TlsSession> server(ssl_ctx_st* context, Descriptor& socket);
  static std::unique_ptr<TlsSession> client(ssl_ctx_st* context, Descriptor& socket,
                                            const std::string& host);

  asio::awaitable<void> handshake(bool stoppable);
  asio::awaitable<std::size_t> read_some(std::span<char> buffer, bool stoppable);
  asio::awaitable<void> write(std::string_view text);
  /// Tries to send close_notify; does not wait.
  void say_goodbye() noexcept;
  TlsInfo info(bool verifying) const;

 private:
  enum class Step { handshake, read, write };
  explicit TlsSession(ssl_ctx_st* context, Descriptor& socket);
  int attempt(Step step, char* data, std::size_t size);
  [[noreturn]] void fail(Step step, int error) const;
  asio::awaitable<std::size_t> run(Step step, char* data, std::size_t size, bool stoppable);

  Descriptor& socket_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
};

}  // namespace ecrelay::net

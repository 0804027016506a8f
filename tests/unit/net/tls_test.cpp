#include "net/tls.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <thread>

#include "net/timer.h"
#include "unit/net/certificates.h"
#include "unit/net/loop.h"

namespace ecrelay::net {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class TlsTest : public Loop {
 protected:
  TlsServer server_side(const TestCertificate& shown) {
    return *TlsServer::make(shown.pem(), shown.key(), now());
  }

  const TestCertificate authority = test_authority();
  const TestCertificate certificate{TestCertificate::Wish(), &authority};
  TcpPair pair{executor()};
};

asio::awaitable<void> shake(Stream& stream, TlsServer tls) { co_await stream.handshake(tls); }

/// What a failing handshake said; empty when it did not fail.
asio::awaitable<void> shake_badly(Stream& stream, TlsServer tls, std::string& what) {
  try {
    co_await stream.handshake(tls);
  } catch (const IoError& error) {
    what = error.what();
    EXPECT_FALSE(stream.is_open());
  }
}

asio::awaitable<void> shake_as_client_badly(Stream& stream, TlsClient tls, std::string host,
                                            std::string& what) {
  try {
    co_await stream.handshake(tls, host);
  } catch (const IoError& error) {
    EXPECT_EQ(error.trouble(), Trouble::tls);
    what = error.what();
    EXPECT_FALSE(stream.is_open());
  }
}

TEST_F(TlsTest, CarriesTextBothWaysAndSaysWhatWasAgreed) {
  spawn([](Stream& stream, TlsServer tls) -> asio::awaitable<void> {
    co_await stream.handshake(tls);
    EXPECT_TRUE(stream.secure());
    EXPECT_EQ(stream.tls().protocol, "TLSv1.3");
    EXPECT_EQ(stream.tls().sni, "relay.example");
    EXPECT_EQ(stream.tls().peer_fingerprint, "");
    EXPECT_FALSE(stream.tls().verified);
    EXPECT_EQ(co_await read_exactly(stream, 6), "EHLO x");
    co_await stream.write("250 ok");
    EXPECT_EQ(co_await read_until_end(stream), "");
    co_await stream.close();
  }(pair.server, server_side(certificate)));
  spawn([](Stream& stream, TlsClient tls) -> asio::awaitable<void> {
    EXPECT_FALSE(stream.secure());
    co_await stream.handshake(tls, "relay.example");
    EXPECT_TRUE(stream.tls().verified);
    EXPECT_EQ(stream.tls().peer_fingerprint.size(), 64U);
    EXPECT_EQ(stream.tls().peer_name, "CN=relay.example");
    EXPECT_THAT(stream.tls().cipher, HasSubstr("TLS_"));
    co_await stream.write("EHLO x");
    EXPECT_EQ(co_await read_exactly(stream, 6), "250 ok");
    co_await stream.close();
  }(pair.client, *TlsClient::verifying(authority.pem())));
  run();
}

TEST_F(TlsTest, CarriesLargeGatheredWrites) {
  std::string expected;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 300; ++i)
    texts.push_back(std::string(i * 331 % 40'000, static_cast<char>('a' + i % 26)));
  for (const std::string& text : texts) expected += text;
  const std::vector<std::string_view> pieces(texts.begin(), texts.end());
  spawn([](Stream& stream, TlsServer tls, const std::string& text) -> asio::awaitable<void> {
    co_await stream.handshake(tls);
    EXPECT_TRUE(co_await read_until_end(stream) == text);
    stream.abort();
  }(pair.server, server_side(certificate), expected));
  spawn([](Stream& stream, TlsClient tls,
           const std::vector<std::string_view>& all) -> asio::awaitable<void> {
    co_await stream.handshake(tls, "any");
    co_await stream.write(std::span(all));
    co_await stream.close(20s);
  }(pair.client, *TlsClient::unverified(), pieces));
  run();
}

TEST_F(TlsTest, VerifiesNameAndChainWhereAsked) {
  TestCertificate::Wish by_ip;
  by_ip.names = "IP:127.0.0.1";
  const TestCertificate of_ip(by_ip, &authority);
  const TestCertificate stranger{TestCertificate::Wish()};
  TestCertificate::Wish wildcard;
  wildcard.names = "DNS:*.relay.example";
  const TestCertificate wild(wildcard, &authority);
  const auto failure = [&](const TestCertificate& shown, const std::string& host) {
    TcpPair ends(executor());
    std::string at_client;
    std::string at_server;
    spawn(shake_badly(ends.server, server_side(shown), at_server));
    spawn(shake_as_client_badly(ends.client, *TlsClient::verifying(authority.pem()), host,
                                at_client));
    run();
    return at_client;
  };
  EXPECT_EQ(failure(certificate, "relay.example"), "");
  EXPECT_THAT(failure(certificate, "other.example"), HasSubstr("hostname mismatch"));
  EXPECT_THAT(failure(certificate, "127.0.0.1"), HasSubstr("IP address mismatch"));
  EXPECT_EQ(failure(of_ip, "127.0.0.1"), "");
  EXPECT_EQ(failure(wild, "mx.relay.example"), "");
  EXPECT_THAT(failure(wild, "a.mx.relay.example"), HasSubstr("hostname mismatch"));
  EXPECT_THAT(failure(stranger, "relay.example"), HasSubstr("self-signed"));
}

TEST_F(TlsTest, BelievesAnythingWhereNotAskedToVerify) {
  const TestCertificate stranger{TestCertificate::Wish()};
  spawn(shake(pair.server, server_side(stranger)));
  spawn([](Stream& stream, TlsClient tls) -> asio::awaitable<void> {
    co_await stream.handshake(tls, "whoever.example");
    EXPECT_TRUE(stream.secure());
    EXPECT_FALSE(stream.tls().verified);
  }(pair.client, *TlsClient::unverified()));
  run();
}

TEST_F(TlsTest, RefusesCertificatesAndKeysThatWouldNotServe) {
  const auto reason = [&](const std::string& chain, const Secret& key) {
    const auto made = TlsServer::make(chain, key, now());
    return made ? std::string("accepted") : made.error().detail;
  };
  TestCertificate::Wish wish;
  wish.ends = -60;
  const TestCertificate expired(wish);
  wish = {};
  wish.begins = 3600;
  wish.ends = 7200;
  const TestCertificate early(wish);
  wish = {};
  wish.key = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{1024});
  const TestCertificate weak(wish);
  const TestCertificate other{TestCertificate::Wish()};
  EXPECT_THAT(reason(expired.pem(), expired.key()), HasSubstr("expired at 2"));
  EXPECT_THAT(reason(early.pem(), early.key()), HasSubstr("not valid before 2"));
  EXPECT_THAT(reason(weak.pem(), weak.key()), HasSubstr("1024 bits"));
  EXPECT_THAT(reason(certificate.pem(), other.key()), HasSubstr("does not belong"));
  EXPECT_THAT(reason("", other.key()), HasSubstr("no PEM certificate"));
  EXPECT_THAT(reason(certificate.pem(), Secret("nothing")), HasSubstr("no PEM private key"));
  EXPECT_THAT(reason(certificate.pem(), Secret("-----BEGIN ENCRYPTED PRIVATE KEY-----")),
              HasSubstr("encrypted"));
  EXPECT_EQ(reason(certificate.pem() + authority.pem(), certificate.key()), "accepted");
  EXPECT_GT(server_side(certificate).expires(), now());
  const auto no_ca = TlsClient::verifying("nothing");
  ASSERT_FALSE(no_ca);
  EXPECT_THAT(no_ca.error().detail, HasSubstr("no PEM certificate"));
  EXPECT_TRUE(TlsClient::verifying());
}

/// A client that our own cannot be: other versions, ALPN, a certificate. Blocking, on its thread.
struct PlainOpenssl {
  int highest = 0;
  std::string alpn;
  const TestCertificate* certificate = nullptr;

  bool connects = false;
  std::string chosen;
  std::string protocol;

  void run(int socket) {
    fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) & ~O_NONBLOCK);
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
        SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    SSL_CTX_set_cipher_list(context.get(), "ALL@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
    if (highest != 0) SSL_CTX_set_max_proto_version(context.get(), highest);
    if (certificate != nullptr) {
      SSL_CTX_use_certificate(context.get(), certificate->certificate());
      SSL_CTX_use_PrivateKey(context.get(), certificate->handle());
    }
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), &SSL_free);
    if (!alpn.empty()) {
      SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                          static_cast<unsigned>(alpn.size()));
    }
    SSL_set_fd(ssl.get(), socket);
    connects = SSL_connect(ssl.get()) == 1;
    protocol = SSL_get_version(ssl.get());
    const unsigned char* text = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl.get(), &text, &size);
    if (size > 0) chosen.assign(reinterpret_cast<const char*>(text), size);
    ERR_clear_error();
  }
};

TEST_F(TlsTest, IsTls12OrLaterAndSpeaksSmtpOnly) {
  const auto attempt = [&](PlainOpenssl client) {
    TcpPair ends(executor());
    std::string ignored;
    spawn(shake_badly(ends.server, server_side(certificate), ignored));
    std::jthread thread([&client, fd = ends.client.native_handle()] { client.run(fd); });
    run();
    thread.join();
    return client;
  };
  PlainOpenssl old;
  old.highest = TLS1_1_VERSION;
  EXPECT_FALSE(attempt(old).connects);
  PlainOpenssl previous;
  previous.highest = TLS1_2_VERSION;
  EXPECT_TRUE(attempt(previous).connects);
  PlainOpenssl with_alpn;
  with_alpn.alpn = "\x04http\x04smtp";
  const PlainOpenssl chosen = attempt(with_alpn);
  EXPECT_TRUE(chosen.connects);
  EXPECT_EQ(chosen.chosen, "smtp");
  PlainOpenssl web;
  web.alpn = "\x08http/1.1";
  EXPECT_FALSE(attempt(web).connects);
}

TEST_F(TlsTest, TellsTheFingerprintOfAClientCertificateAndGoesOnWithoutOne) {
  const TestCertificate own{TestCertificate::Wish()};
  TlsServer::Options options;
  options.request_client_certificate = true;
  const TlsServer tls = *TlsServer::make(certificate.pem(), certificate.key(), now(), options);
  for (const TestCertificate* shown : {&own, static_cast<const TestCertificate*>(nullptr)}) {
    TcpPair ends(executor());
    spawn(shake(ends.server, tls));
    PlainOpenssl client;
    client.certificate = shown;
    std::jthread thread([&client, fd = ends.client.native_handle()] { client.run(fd); });
    run();
    thread.join();
    EXPECT_TRUE(client.connects);
    EXPECT_EQ(ends.server.tls().peer_fingerprint.size(), shown != nullptr ? 64U : 0U);
    EXPECT_FALSE(ends.server.tls().verified);
  }
}

TEST_F(TlsTest, EndsTheConnectionWhenWhatComesIsNotTls) {
  spawn([](Stream& server, TlsServer tls) -> asio::awaitable<void> {
    std::string what;
    co_await shake_badly(server, tls, what);
    EXPECT_THAT(what, HasSubstr("TLS handshake"));
    Trouble trouble = Trouble::system;
    try {
      co_await server.write("in clear?");
    } catch (const IoError& error) {
      trouble = error.trouble();
    }
    EXPECT_EQ(trouble, Trouble::closed);
  }(pair.server, server_side(certificate)));
  spawn([](Stream& client) -> asio::awaitable<void> {
    co_await client.write("EHLO in the clear\r\nMAIL FROM:<a@b>\r\n");
  }(pair.client));
  run();
}

TEST_F(TlsTest, HandshakeEndsAtTheDeadlineAndWhenThePeerGoes) {
  spawn([](Stream& server, TlsServer tls) -> asio::awaitable<void> {
    server.set_deadline(after(10ms));
    Trouble trouble = Trouble::system;
    try {
      co_await server.handshake(tls);
    } catch (const IoError& error) {
      trouble = error.trouble();
    }
    EXPECT_EQ(trouble, Trouble::timed_out);
  }(pair.server, server_side(certificate)));
  TcpPair gone(executor());
  gone.client.abort();
  spawn([](Stream& server, TlsServer tls) -> asio::awaitable<void> {
    Trouble trouble = Trouble::system;
    try {
      co_await server.handshake(tls);
    } catch (const IoError& error) {
      trouble = error.trouble();
    }
    EXPECT_EQ(trouble, Trouble::closed);
  }(gone.server, server_side(certificate)));
  run();
}

TEST_F(TlsTest, TellsACutOffStreamFromOneThatEnded) {
  const TlsServer tls = server_side(certificate);
  TcpPair cut(executor());
  spawn([](Stream& server, TlsServer with) -> asio::awaitable<void> {
    co_await server.handshake(with);
    EXPECT_EQ(co_await read_exactly(server, 1), "x");
    EXPECT_EQ(co_await trouble_reading(server), Trouble::closed);
  }(cut.server, tls));
  spawn([](Stream& server, TlsServer with) -> asio::awaitable<void> {
    co_await server.handshake(with);
    EXPECT_EQ(co_await read_until_end(server), "x");
    co_await server.close();
  }(pair.server, tls));
  spawn([](Stream& client, Stream& cutting) -> asio::awaitable<void> {
    const TlsClient with = *TlsClient::unverified();
    co_await client.handshake(with, "any");
    co_await client.write("x");
    co_await client.close();
    co_await cutting.handshake(with, "any");
    co_await cutting.write("x");
    cutting.abort();
  }(pair.client, cut.client));
  run();
}

TEST_F(TlsTest, TimesOutAReadAndCanStillSayGoodbye) {
  spawn([](Stream& server, TlsServer tls) -> asio::awaitable<void> {
    co_await server.handshake(tls);
    server.set_deadline(after(10ms));
    EXPECT_EQ(co_await trouble_reading(server), Trouble::timed_out);
    server.set_deadline(after(20s));
    co_await server.write("421 too slow\r\n");
    co_await server.close();
  }(pair.server, server_side(certificate)));
  spawn([](Stream& client, TlsClient tls) -> asio::awaitable<void> {
    co_await client.handshake(tls, "any");
    EXPECT_EQ(co_await read_until_end(client), "421 too slow\r\n");
    client.abort();
  }(pair.client, *TlsClient::unverified()));
  run();
}

}  // namespace
}  // namespace ecrelay::net

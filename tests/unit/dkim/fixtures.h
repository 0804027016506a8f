#pragma once

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dkim/signer.h"

namespace ecrelay::dkim {

inline const TimePoint noon = TimePoint(std::chrono::milliseconds(1'700'000'000'123));

/// A key of each kind, made once: RSA keys take a while to find.
inline const Key& rsa_key() {
  static const Key key = *Key::generate(Algorithm::rsa_sha256);
  return key;
}
inline const Key& ed25519_key() {
  static const Key key = *Key::generate(Algorithm::ed25519_sha256);
  return key;
}
inline Identity rsa_identity() { return {"shop-a.example", "r1", rsa_key()}; }
inline Identity ed25519_identity() { return {"shop-a.example", "e1", ed25519_key()}; }

struct Engine {
  const char* name;
  std::unique_ptr<Signer> (*make)();
};
inline void PrintTo(const Engine& engine, std::ostream* out) { *out << engine.name; }
/// As the daemon uses them.
inline std::unique_ptr<Signer> make_both() {
  return make_guarded_signer(make_cached_signer(), make_opendkim_signer());
}
inline constexpr std::array<Engine, 3> engines = {Engine{"opendkim", &make_opendkim_signer},
                                                  Engine{"cached", &make_cached_signer},
                                                  Engine{"guarded", &make_both}};

inline Result<std::string> sign(const Signer& signer, std::string_view head, std::string_view body,
                                const std::vector<Identity>& identities) {
  const std::array<std::string_view, 1> pieces = {body};
  return signer.sign(head, pieces, identities, noon);
}

inline constexpr std::string_view shop_head =
    "Received: from app (app [10.0.1.2]) by relay; Tue, 14 Nov 2023 22:13:20 +0000\r\n"
    "From: =?UTF-8?B?44K344On44OD44OXQQ==?= <info@shop-a.example>\r\n"
    "To: customer@example.net,\r\n\t other@example.net\r\n"
    "Subject:  ご注文   確認 \r\n"
    "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
    "Message-ID: <1@shop-a.example>\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: text/plain; charset=UTF-8\r\n";
inline constexpr std::string_view shop_body =
    "お買い上げ ありがとうございます。  \r\n\r\n \t \r\n line \t with  runs\r\n\r\n\r\n";

}  // namespace ecrelay::dkim

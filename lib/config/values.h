#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/money.h"
#include "core/network.h"
#include "core/secret.h"
#include "core/time.h"

/// What single settings hold. Enumerators are spelled as in the file, '-' as '_'.
namespace ecrelay::config {

/// off: never; opportunistic: STARTTLS offered; required: no mail before STARTTLS;
/// implicit: TLS from the first byte.
enum class ListenerTls { off, opportunistic, required, implicit };
/// off: never; opportunistic: STARTTLS when offered, any certificate; required: STARTTLS or no
/// delivery, any certificate; verify: and the certificate must be valid for the server's name;
/// implicit: TLS from the first byte, verified like `verify`.
enum class UpstreamTls { off, opportunistic, required, verify, implicit };
enum class ReportsTls { off, opportunistic };
enum class Login { none, required };
enum class OnSuppressed { accept, reject };
/// live: sent and charged; sink: accepted and traced, never sent, never charged; hold: queued
/// until released.
enum class ShopMode { live, sink, hold };
/// What becomes of a message whose body was written and whose answer was lost: sent again (it may
/// arrive twice), or held until somebody decides.
enum class InDoubt { retry, hold };
/// Who writes the DNS zone of a shop's domain.
enum class DnsManager { shop, operator_ };
/// What becomes of mail while no key of its domain is in DNS: signed all the same; signed and held
/// until one is; signed for the operator's domain; refused until then.
enum class Unpublished { sign, hold, operator_, refuse };
/// What a row of suppression.rules decides, and where the refusal was given.
enum class RuleDecision { none, ignore, count, suppress };
enum class RefusalStage { any, connect, mail, rcpt, data };
enum class ChargeUnit { message, recipient };
enum class Signature { rsa_sha256, ed25519_sha256 };
enum class DkimEngine { libopendkim, cached };
enum class LogLevel { debug, info, warn, error };
enum class LogFormat { json, text };
/// local: of the local part only the first character is written.
enum class AddressMask { off, local };
enum class TlsVersion { v1_2, v1_3 };

/// "10MiB": a number of bytes.
struct Size {
  std::uint64_t bytes = 0;

  auto operator<=>(const Size&) const = default;
};

/// "0.0.0.0:25", "[::]:25": where to listen. Port 0 lets the system choose.
struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;

  std::string text() const;
  auto operator<=>(const SocketAddress&) const = default;
};

/// "smtp.example.net:587", "192.0.2.1:25", "[2001:db8::1]:25": where to connect to. `host` is
/// a lower-case name or an address without brackets.
struct ServerAddress {
  std::string host;
  std::uint16_t port = 0;

  std::string text() const;
  auto operator<=>(const ServerAddress&) const = default;
};

/// A secret and where it came from: "file:PATH", "credential:NAME" or "env:NAME" as written.
/// Line ends at its end are not part of a secret.
struct SecretText {
  std::string reference;
  Secret value;
};

/// A PEM certificate chain and where it came from; references as for SecretText.
struct Certificate {
  std::string reference;
  std::string pem;
};

/// A crypt(3) hash ("$y$…", ready for crypt()): written inline as "crypt:$y$…", then `reference`
/// is "crypt:", or by reference to a place that holds the hash.
struct PasswordHash {
  std::string reference;
  Secret hash;
};

/// The shops of a host: every one ("*"), or these ids.
struct ShopSet {
  bool all = false;
  std::vector<std::string> ids;

  bool contains(const std::string& id) const;
};

/// "stdout", or "file:PATH" (then `file` is the absolute path).
struct LogTarget {
  std::filesystem::path file;

  bool is_stdout() const { return file.empty(); }
};

}  // namespace ecrelay::config

#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

#include "config/values.h"

/// How each type of single value is written: one Scalar<T> a type, with
///   name    for messages and the reference, an example included;
///   parse   false when `written` is not such a value; `why` may then say more than `name` does,
///           and must where the text could be a secret;
///   write   what parse reads again.
namespace ecrelay::config {

/// A scalar as it stands in the file.
struct Written {
  std::string_view text;
  bool quoted;
  const std::filesystem::path& folder;  ///< what relative paths are relative to; absolute
};

struct Complaint {
  std::string message;  ///< empty: "'TEXT' is not NAME"
  std::string hint;
};

template <typename T>
struct Scalar;  // specialised for what a single value can be

template <>
struct Scalar<bool> {
  static std::string name() { return "true | false"; }
  static bool parse(const Written& written, bool& into, Complaint& why);
  static std::string write(bool value) { return value ? "true" : "false"; }
};

template <>
struct Scalar<std::uint64_t> {
  static std::string name() { return "a whole number"; }
  static bool parse(const Written& written, std::uint64_t& into, Complaint& why);
  static std::string write(std::uint64_t value) { return std::to_string(value); }
};

template <>
struct Scalar<std::uint32_t> {
  static std::string name() { return "a whole number"; }
  static bool parse(const Written& written, std::uint32_t& into, Complaint& why);
  static std::string write(std::uint32_t value) { return std::to_string(value); }
};

template <>
struct Scalar<std::string> {
  static std::string name() { return "text"; }
  static bool parse(const Written& written, std::string& into, Complaint& why);
  static std::string write(const std::string& value) { return value; }
};

/// An absolute path once read.
template <>
struct Scalar<std::filesystem::path> {
  static std::string name() { return "a path"; }
  static bool parse(const Written& written, std::filesystem::path& into, Complaint& why);
  static std::string write(const std::filesystem::path& value) { return value.native(); }
};

template <>
struct Scalar<Duration> {
  static std::string name() { return "a duration (30s, 5m, 1h30m, 2d)"; }
  static bool parse(const Written& written, Duration& into, Complaint& why);
  static std::string write(Duration value) { return ecrelay::to_text(value); }
};

template <>
struct Scalar<Size> {
  static std::string name() { return "a size (64KiB, 10MiB, 1GiB, or bytes)"; }
  static bool parse(const Written& written, Size& into, Complaint& why);
  static std::string write(Size value);
};

/// Whole yen may stand plain; decimals must be quoted, since to YAML a plain 0.1 is a float.
template <>
struct Scalar<Money> {
  static std::string name() { return "an amount in yen (\"0.1\", 50000)"; }
  static bool parse(const Written& written, Money& into, Complaint& why);
  static std::string write(Money value) { return value.exact(); }
};

template <>
struct Scalar<std::chrono::year_month_day> {
  static std::string name() { return "a day (2026-11-23)"; }
  static bool parse(const Written& written, std::chrono::year_month_day& into, Complaint& why);
  static std::string write(std::chrono::year_month_day value) { return ecrelay::to_text(value); }
};

template <>
struct Scalar<Network> {
  static std::string name() { return "a network (10.0.1.0/24, no bits set beyond the prefix)"; }
  static bool parse(const Written& written, Network& into, Complaint& why);
  static std::string write(const Network& value) { return value.text(); }
};

template <>
struct Scalar<SocketAddress> {
  static std::string name() { return "an address and port (\"0.0.0.0:25\", \"[::1]:25\")"; }
  static bool parse(const Written& written, SocketAddress& into, Complaint& why);
  static std::string write(const SocketAddress& value) { return value.text(); }
};

template <>
struct Scalar<ServerAddress> {
  static std::string name() { return "a server and port (\"smtp.example.net:587\")"; }
  static bool parse(const Written& written, ServerAddress& into, Complaint& why);
  static std::string write(const ServerAddress& value) { return value.text(); }
};

template <>
struct Scalar<SecretText> {
  static std::string name() {
    return "a reference to a secret (file:PATH, credential:NAME, env:NAME)";
  }
  static bool parse(const Written& written, SecretText& into, Complaint& why);
  static std::string write(const SecretText& value) { return value.reference; }
};

template <>
struct Scalar<Certificate> {
  static std::string name() { return "a reference to a certificate (file:PATH, credential:NAME)"; }
  static bool parse(const Written& written, Certificate& into, Complaint& why);
  static std::string write(const Certificate& value) { return value.reference; }
};

template <>
struct Scalar<PasswordHash> {
  static std::string name() {
    return "a password hash (\"crypt:$y$…\", or file:PATH that holds one)";
  }
  static bool parse(const Written& written, PasswordHash& into, Complaint& why);
  static std::string write(const PasswordHash& value);
};

template <>
struct Scalar<LogTarget> {
  static std::string name() { return "stdout | file:PATH"; }
  static bool parse(const Written& written, LogTarget& into, Complaint& why);
  static std::string write(const LogTarget& value);
};

/// The spellings of an enumeration, in the order of its enumerators.
template <typename E>
inline constexpr std::array<std::string_view, 0> spellings{};
template <>
inline constexpr std::array spellings<ListenerTls> =
    std::to_array<std::string_view>({"off", "opportunistic", "required", "implicit"});
template <>
inline constexpr std::array spellings<UpstreamTls> =
    std::to_array<std::string_view>({"off", "opportunistic", "required", "verify", "implicit"});
template <>
inline constexpr std::array spellings<ReportsTls> =
    std::to_array<std::string_view>({"off", "opportunistic"});
template <>
inline constexpr std::array spellings<Login> = std::to_array<std::string_view>({"none",
                                                                                "required"});
template <>
inline constexpr std::array spellings<OnSuppressed> = std::to_array<std::string_view>({"accept",
                                                                                       "reject"});
template <>
inline constexpr std::array spellings<ShopMode> = std::to_array<std::string_view>({"live", "sink",
                                                                                   "hold"});
template <>
inline constexpr std::array spellings<InDoubt> = std::to_array<std::string_view>({"retry", "hold"});
template <>
inline constexpr std::array spellings<DnsManager> = std::to_array<std::string_view>({"shop",
                                                                                     "operator"});
template <>
inline constexpr std::array spellings<Unpublished> =
    std::to_array<std::string_view>({"sign", "hold", "operator", "refuse"});
template <>
inline constexpr std::array spellings<RuleDecision> =
    std::to_array<std::string_view>({"none", "ignore", "count", "suppress"});
template <>
inline constexpr std::array spellings<RefusalStage> =
    std::to_array<std::string_view>({"any", "connect", "mail", "rcpt", "data"});
template <>
inline constexpr std::array spellings<ChargeUnit> = std::to_array<std::string_view>({"message",
                                                                                     "recipient"});
template <>
inline constexpr std::array spellings<Signature> =
    std::to_array<std::string_view>({"rsa-sha256", "ed25519-sha256"});
template <>
inline constexpr std::array spellings<DkimEngine> = std::to_array<std::string_view>({"libopendkim",
                                                                                     "cached"});
template <>
inline constexpr std::array spellings<LogLevel> =
    std::to_array<std::string_view>({"debug", "info", "warn", "error"});
template <>
inline constexpr std::array spellings<LogFormat> = std::to_array<std::string_view>({"json",
                                                                                    "text"});
template <>
inline constexpr std::array spellings<AddressMask> = std::to_array<std::string_view>({"off",
                                                                                      "local"});
template <>
inline constexpr std::array spellings<TlsVersion> = std::to_array<std::string_view>({"1.2", "1.3"});

/// Index of `text` in `known`, or known.size() and a complaint with the nearest one.
std::size_t find_spelling(std::string_view text, const std::vector<std::string>& known,
                          Complaint& why);

template <typename E>
requires(!spellings<E>.empty()) struct Scalar<E> {
  static std::string name() {
    std::string all;
    for (const std::string_view spelling : spellings<E>) {
      all += (all.empty() ? "" : " | ") + std::string(spelling);
    }
    return all;
  }
  static bool parse(const Written& written, E& into, Complaint& why) {
    const std::vector<std::string> known(spellings<E>.begin(), spellings<E>.end());
    const std::size_t index = find_spelling(written.text, known, why);
    if (index == known.size()) return false;
    into = static_cast<E>(index);
    return true;
  }
  static std::string write(E value) {
    return std::string(spellings<E>[static_cast<std::size_t>(value)]);
  }
};

}  // namespace ecrelay::config

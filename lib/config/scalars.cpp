#include "config/scalars.h"

#include <algorithm>
#include <limits>

#include "config/secrets.h"
#include "config/units.h"
#include "core/escape.h"
#include "core/text.h"

namespace ecrelay::config {
namespace {

constexpr std::string_view crypt_prefix = "crypt:";
constexpr std::string_view masked_hash = "********";

/// Takes what a parser found; false when it found nothing.
template <typename T>
bool take(std::optional<T> found, T& into) {
  if (found) into = *std::move(found);
  return found.has_value();
}

/// Methods of crypt(3) that are worth having; crypt(5) calls the others weak.
bool is_strong_hash(std::string_view hash) {
  constexpr auto methods =
      std::to_array<std::string_view>({"$y$", "$gy$", "$7$", "$2b$", "$2y$", "$2a$", "$6$", "$5$"});
  constexpr std::string_view others = "./$=,";
  return hash.size() >= 20 &&
         std::any_of(methods.begin(), methods.end(),
                     [&](std::string_view method) { return hash.starts_with(method); }) &&
         std::all_of(hash.begin(), hash.end(), [&](char c) {
           return text::is_alnum(c) || others.find(c) != std::string_view::npos;
         });
}

bool take_hash(Secret hash, PasswordHash& into, Complaint& why) {
  if (!is_strong_hash(hash.reveal())) {
    why = {"not a crypt(3) hash of a strong method ($y$, $7$, $2b$, $6$, $5$)",
           "mkpasswd -m yescrypt makes one"};
    return false;
  }
  into.hash = std::move(hash);
  return true;
}

bool take_secret(const Written& written, Secret& into, Complaint& why) {
  auto secret = read_secret(written.text, written.folder);
  if (!secret) {
    why.message = secret.error().detail;
    return false;
  }
  into = *std::move(secret);
  return true;
}

bool no_quotes(const Written& written, Complaint& why) {
  if (written.quoted) why = {"quoted text where a plain value belongs", "leave the quotes out"};
  return !written.quoted;
}

}  // namespace

bool Scalar<bool>::parse(const Written& written, bool& into, Complaint& why) {
  into = written.text == "true";
  return no_quotes(written, why) && (into || written.text == "false");
}

bool Scalar<std::uint64_t>::parse(const Written& written, std::uint64_t& into, Complaint& why) {
  // The book holds signed 64-bit integers.
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return no_quotes(written, why) && take(text::number(written.text), into) && into <= most;
}

bool Scalar<std::uint32_t>::parse(const Written& written, std::uint32_t& into, Complaint& why) {
  std::uint64_t wide = 0;
  if (!Scalar<std::uint64_t>::parse(written, wide, why)) return false;
  into = static_cast<std::uint32_t>(wide);
  return wide <= std::numeric_limits<std::uint32_t>::max();
}

bool Scalar<std::string>::parse(const Written& written, std::string& into, Complaint& why) {
  constexpr std::size_t longest = 1000;
  into = written.text;
  if (into.empty()) why.message = "empty text";
  if (into.size() > longest) why.message = "longer than 1000 bytes";
  return why.message.empty();
}

bool Scalar<std::filesystem::path>::parse(const Written& written, std::filesystem::path& into,
                                          Complaint&) {
  into = (written.folder / written.text).lexically_normal();
  return !written.text.empty();
}

bool Scalar<Duration>::parse(const Written& written, Duration& into, Complaint&) {
  return take(parse_duration(written.text), into);
}

bool Scalar<Size>::parse(const Written& written, Size& into, Complaint&) {
  return take(parse_size(written.text), into);
}

std::string Scalar<Size>::write(Size value) { return to_text(value); }

bool Scalar<Money>::parse(const Written& written, Money& into, Complaint& why) {
  const auto amount = Money::parse(written.text);
  if (!amount) return false;
  if (!written.quoted && !text::number(written.text)) {
    why = {"decimal yen must be quoted: YAML reads a plain one as a float",
           "write \"" + printable(written.text, 32) + "\""};
    return false;
  }
  into = *amount;
  return true;
}

bool Scalar<std::chrono::year_month_day>::parse(const Written& written,
                                                std::chrono::year_month_day& into, Complaint&) {
  return take(parse_day(written.text), into);
}

bool Scalar<Network>::parse(const Written& written, Network& into, Complaint&) {
  return take(Network::parse(written.text), into);
}

bool Scalar<SocketAddress>::parse(const Written& written, SocketAddress& into, Complaint&) {
  const auto parts = parse_host_and_port(written.text);
  if (!parts) return false;
  into.port = parts->port;
  return take(IpAddress::parse(parts->host), into.ip);
}

bool Scalar<ServerAddress>::parse(const Written& written, ServerAddress& into, Complaint&) {
  const auto parts = parse_host_and_port(written.text);
  if (!parts || parts->port == 0) return false;
  const auto ip = IpAddress::parse(parts->host);
  into = ServerAddress{ip ? ip->text() : text::lowered(parts->host), parts->port};
  return ip || is_domain_name(into.host);
}

bool Scalar<SecretText>::parse(const Written& written, SecretText& into, Complaint& why) {
  if (!is_reference(written.text)) {
    why = {"a secret is never written into the configuration",
           "refer to it: file:PATH, credential:NAME or env:NAME"};
    return false;
  }
  into.reference = written.text;
  return take_secret(written, into.value, why);
}

bool Scalar<Certificate>::parse(const Written& written, Certificate& into, Complaint& why) {
  if (!is_reference(written.text)) {
    // Not echoed: it may be a key that somebody pasted here.
    why = {"not a reference", "write file:PATH or credential:NAME"};
    return false;
  }
  const auto pem = read_public(written.text, written.folder);
  if (!pem) {
    why.message = pem.error().detail;
  } else if (pem->find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
    why.message = "holds no PEM certificate (-----BEGIN CERTIFICATE-----)";
  } else {
    into = Certificate{std::string(written.text), *pem};
  }
  return why.message.empty();
}

bool Scalar<PasswordHash>::parse(const Written& written, PasswordHash& into, Complaint& why) {
  if (is_reference(written.text)) {
    Secret content;
    into.reference = written.text;
    return take_secret(written, content, why) && take_hash(std::move(content), into, why);
  }
  if (!written.text.starts_with(crypt_prefix)) {
    why = {"a plain password is never written into the configuration",
           "write \"crypt:HASH\"; mkpasswd -m yescrypt makes one"};
    return false;
  }
  const std::string_view hash = written.text.substr(crypt_prefix.size());
  if (hash == masked_hash) {
    why = {"the hash was masked by --print-config", "put the real one back"};
    return false;
  }
  into.reference = crypt_prefix;
  return take_hash(Secret(std::string(hash)), into, why);
}

std::string Scalar<PasswordHash>::write(const PasswordHash& value) {
  if (value.reference != crypt_prefix) return value.reference;
  return value.reference + std::string(masked_hash);
}

bool Scalar<LogTarget>::parse(const Written& written, LogTarget& into, Complaint&) {
  constexpr std::string_view scheme = "file:";
  into.file.clear();
  if (written.text == "stdout") return true;
  if (!written.text.starts_with(scheme) || written.text == scheme) return false;
  into.file = (written.folder / written.text.substr(scheme.size())).lexically_normal();
  return true;
}

std::string Scalar<LogTarget>::write(const LogTarget& value) {
  return value.is_stdout() ? "stdout" : "file:" + value.file.native();
}

std::size_t find_spelling(std::string_view text, const std::vector<std::string>& known,
                          Complaint& why) {
  const auto found = std::find(known.begin(), known.end(), text);
  if (found == known.end()) {
    if (const auto near = text::suggestion(text, known)) {
      why.hint = "did you mean '" + *near + "'?";
    }
  }
  return static_cast<std::size_t>(found - known.begin());
}

}  // namespace ecrelay::config

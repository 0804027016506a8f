#include "config/rules.h"

#include <sys/un.h>

#include "config/file.h"
#include "dns/dmarc.h"
#include "dns/spf.h"

namespace ecrelay::config {

bool is_fingerprint(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  return text.size() == 64 && text.find_first_not_of(digits) == std::string_view::npos;
}

std::string all_or_some(ShopSet& shops) {
  const auto star = std::find(shops.ids.begin(), shops.ids.end(), "*");
  if (star != shops.ids.end()) return "'*' stands for all shops, and only alone";
  return shops.all ? "" : some(shops.ids);
}

std::string domain_name(std::string& name) {
  name = text::lowered(name);
  if (is_domain_name(name)) return {};
  std::string fault = not_a("a domain name", name);
  if (!text::is_ascii(name)) fault += " (write its A-label, xn--…; idn2 shows it)";
  return fault;
}

std::string identifier(std::string& name) {
  const auto allowed = [](char c) { return text::is_alnum(c) || c == '.' || c == '_' || c == '-'; };
  const bool fine = name.size() <= 64 && text::is_alnum(name.front()) &&
                    std::all_of(name.begin(), name.end(), allowed);
  return fine ? "" : not_a("a name of at most 64 letters, digits, '.', '_' and '-'", name);
}

std::string status_pattern(std::string& status) {
  const auto parts = text::split(status, '.');
  const auto is_number = [](std::string_view part) {
    return !part.empty() && part.size() <= 3 &&
           std::all_of(part.begin(), part.end(), text::is_digit);
  };
  const bool fine = parts.size() == 3 && (parts[0] == "4" || parts[0] == "5") &&
                    is_number(parts[1]) && (is_number(parts[2]) || parts[2] == "*");
  return fine ? "" : not_a("an enhanced status code (5.1.1, or 5.7.*)", status);
}

std::string reply_words(std::string& words) {
  constexpr std::size_t fewest = 3;
  constexpr std::size_t most = 200;
  words = text::trimmed(words);
  const auto says_something = [](char c) { return text::is_alnum(c) || (c & '\x80') != 0; };
  const auto letters = std::count_if(words.begin(), words.end(), says_something);
  if (letters < static_cast<std::ptrdiff_t>(fewest) || words.size() > most)
    return "words of 3 to 200 characters belong here";
  const auto parts = text::split(words, ' ');
  const auto is_partly_open = [](std::string_view part) {
    return part.size() > 1 && part.find('*') != std::string_view::npos;
  };
  if (parts.front() == "*" || parts.back() == "*" ||
      std::any_of(parts.begin(), parts.end(), is_partly_open))
    return "'*' stands for one word between others, not for a part of one";
  return {};
}

std::string dkim_selector(std::string& selector) {
  selector = text::lowered(selector);
  // A selector is labels before "._domainkey" (RFC 6376 3.1); a numeric one ("2026") is common.
  return is_domain_name(selector + ".x") ? "" : not_a("a DKIM selector", selector);
}

std::string certificate_identity(std::string& identity) {
  std::string digits = text::lowered(identity);
  std::erase(digits, ':');
  const bool fingerprint = is_fingerprint(digits);
  identity = fingerprint ? digits : text::lowered(identity);
  if (fingerprint || is_domain_name(identity)) return {};
  return not_a("a SHA-256 fingerprint or a DNS name", identity);
}

std::string spf_terms(std::vector<std::string>& terms) {
  for (const std::string& term : terms) {
    if (const auto parsed = dns::parse_spf_term(term); !parsed) return parsed.error().detail;
  }
  return terms.empty() ? "" : some(terms);
}

std::string dmarc_record(std::string& record) {
  const auto policy = dns::parse_dmarc(record);
  return policy ? "" : "not a DMARC record: " + policy.error().detail;
}

std::string pem_private_key(SecretText& key) {
  const std::string& pem = key.value.reveal();
  if (pem.find("-----BEGIN ENCRYPTED PRIVATE KEY-----") != std::string::npos) {
    return "the key is encrypted: nobody would be there to type its password";
  }
  const bool fine = pem.find("-----BEGIN ") != std::string::npos &&
                    pem.find("PRIVATE KEY-----") != std::string::npos;
  return fine ? "" : "holds no PEM private key";
}

std::string long_secret(SecretText& secret) {
  constexpr std::size_t shortest = 16;
  return secret.value.reveal().size() >= shortest ? "" : "shorter than 16 bytes";
}

std::string readable_file(std::filesystem::path& path) {
  constexpr std::size_t largest = 16ULL << 20;
  const auto file = read_file(path, largest);
  return file ? "" : printable(path.native()) + ": " + file.error().detail;
}

std::string socket_path(std::filesystem::path& path) {
  const std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
  if (path.native().size() <= longest) return {};
  return "longer than the " + std::to_string(longest) + " bytes a socket's path may have";
}

}  // namespace ecrelay::config

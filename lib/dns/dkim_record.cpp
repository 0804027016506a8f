#include "dns/dkim_record.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>

#include "core/base64.h"
#include "core/escape.h"
#include "core/text.h"
#include "dns/tags.h"

namespace ecrelay::dns {
namespace {

constexpr std::size_t longest_key = 8192;  // 16 Kibit of RSA are 2.8 KB

std::string without_space(std::string_view text) {
  std::string result;
  std::copy_if(text.begin(), text.end(), std::back_inserter(result),
               [](char c) { return c != ' ' && c != '\t' && c != '\r' && c != '\n'; });
  return result;
}

/// "a:b:c" holds the word, or "*".
bool allows(const std::string* list, std::string_view word) {
  if (list == nullptr) return true;
  const auto words = text::split(*list, ':');
  return std::any_of(words.begin(), words.end(), [&](std::string_view each) {
    return text::trimmed(each) == word || text::trimmed(each) == "*";
  });
}

Result<unsigned> rsa_bits(const std::string& der) {
  const auto* start = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(
      d2i_PUBKEY(nullptr, &start, static_cast<long>(der.size())), &EVP_PKEY_free);
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) return invalid("p= is no RSA key");
  return static_cast<unsigned>(EVP_PKEY_get_bits(key.get()));
}

Result<unsigned> bits_of(const DkimRecord& record) {
  const auto bytes = base64_decode(record.key);
  if (!bytes || record.key.size() > longest_key) return invalid("p= is no base64");
  if (record.algorithm == "rsa") return rsa_bits(*bytes);
  if (bytes->size() != 32) return invalid("p= is no Ed25519 key of 32 bytes");
  return 256U;
}

}  // namespace

bool is_dkim(std::string_view record) {
  return begins_with_version(record, "v=DKIM1") || record.find("p=") != std::string_view::npos;
}

Result<DkimRecord> parse_dkim(std::string_view text) {
  const Result<Tags> tags = Tags::parse(text);
  if (!tags) return tags.error();
  const std::string* version = tags->find("v");
  if (version != nullptr && (*version != "DKIM1" || tags->first() != "v")) {
    return invalid("v= must be DKIM1 and come first");
  }
  const std::string* key = tags->find("p");
  if (key == nullptr) return invalid("there is no p=");
  DkimRecord record;
  if (const std::string* algorithm = tags->find("k")) record.algorithm = *algorithm;
  if (record.algorithm != "rsa" && record.algorithm != "ed25519") {
    return invalid("k=" + printable(record.algorithm, 64) + " is neither rsa nor ed25519");
  }
  record.for_mail = allows(tags->find("s"), "email");
  record.sha256 = allows(tags->find("h"), "sha256");
  const std::string* flags = tags->find("t");
  record.testing = flags != nullptr && allows(flags, "y");
  record.key = without_space(*key);
  if (record.key.empty()) return record;
  const Result<unsigned> bits = bits_of(record);
  if (!bits) return bits.error();
  record.bits = *bits;
  return record;
}

}  // namespace ecrelay::dns

#include "policy/return_path.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "core/text.h"

namespace ecrelay::policy {
namespace {

using std::chrono::days;
using std::chrono::floor;

/// 26 of the ULID, 10 of the largest number, 5 of the day until the year 2243, three dashes: 20 are
/// left of 64.
constexpr std::size_t signature_length = 20;

std::int64_t day_number(TimePoint at) { return floor<days>(at).time_since_epoch().count(); }

/// Five bits a letter, one letter a byte of the HMAC: 32 divides 256, so all are equally likely.
std::string signature(const Secret& secret, std::string_view head, std::string_view domain) {
  constexpr std::string_view alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  const std::string input = "return path " + std::string(head) + '@' + text::lowered(domain);
  const std::string& key = secret.reveal();
  std::array<std::uint8_t, 32> digest{};
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(input.data()), input.size(), digest.data(),
           &size) == nullptr) {
    throw std::runtime_error("HMAC-SHA-256 failed");
  }
  std::string letters(signature_length, ' ');
  for (std::size_t i = 0; i < letters.size(); ++i) letters[i] = alphabet[digest[i] % 32];
  return letters;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

ReturnPaths::ReturnPaths(std::vector<Secret> secrets, Duration lifetime)
    : secrets_(std::move(secrets)), lifetime_(lifetime) {
  if (secrets_.empty()) throw std::invalid_argument("return paths need a secret");
}

std::string ReturnPaths::local_part(const ReturnPath& path, std::string_view domain,
                                    TimePoint at) const {
  const std::string head = text::lowered(path.message.text()) + '-' +
                           std::to_string(path.recipient) + '-' + std::to_string(day_number(at));
  return head + '-' + signature(secrets_.front(), head, domain);
}

Result<ReturnPath> ReturnPaths::read(std::string_view local_part, std::string_view domain,
                                     TimePoint now) const {
  const Error not_ours = invalid("no return path of ours");
  if (local_part.size() > 64) return not_ours;
  const std::string folded = text::lowered(local_part);
  const auto parts = text::split(folded, '-');
  if (parts.size() != 4) return not_ours;
  const auto head = std::string_view(folded).substr(0, folded.rfind('-'));
  // The signature covers the spelling too, so no two texts stand for one path.
  const auto signed_by = [&](const Secret& secret) {
    return equal_in_constant_time(signature(secret, head, domain), parts[3]);
  };
  if (std::none_of(secrets_.begin(), secrets_.end(), signed_by)) return not_ours;

  const auto message = Ulid::parse(parts[0]);
  const auto recipient = text::number(parts[1]);
  const auto day = text::number(parts[2]);
  if (!message || !recipient || !day) return not_ours;
  const TimePoint until = TimePoint(days(static_cast<std::int64_t>(*day)) + days(1)) + lifetime_;
  if (now >= until) return refused("the return path ended at " + timestamp(until));
  return ReturnPath{*message, static_cast<std::uint32_t>(*recipient)};
}

}  // namespace ecrelay::policy

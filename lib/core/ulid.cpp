#include "core/ulid.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "core/text.h"

namespace ecrelay {
namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

std::optional<unsigned> digit(char c) {
  c = text::lower(c);
  if (c == 'i' || c == 'l') c = '1';
  if (c == 'o') c = '0';
  const auto found = std::find_if(alphabet.begin(), alphabet.end(),
                                  [c](char known) { return text::lower(known) == c; });
  if (found == alphabet.end()) return {};
  return static_cast<unsigned>(found - alphabet.begin());
}

}  // namespace

Ulid::Ulid(TimePoint at, const std::array<std::uint8_t, 10>& random) {
  auto milliseconds = static_cast<std::uint64_t>(at.time_since_epoch().count());
  for (std::size_t i = 6; i-- > 0; milliseconds >>= 8) {
    bytes_[i] = static_cast<std::uint8_t>(milliseconds);
  }
  std::copy(random.begin(), random.end(), bytes_.begin() + 6);
}

Ulid Ulid::from_bytes(const Bytes& bytes) {
  Ulid id;
  id.bytes_ = bytes;
  return id;
}

std::optional<Ulid> Ulid::parse(std::string_view text) {
  // 26 characters carry 130 bits: the first may only be 0 to 7.
  if (text.size() != 26) return {};
  Ulid id;
  unsigned buffer = 0;
  int bits = -2;
  std::size_t next = 0;
  for (const char c : text) {
    const auto value = digit(c);
    if (!value || (bits == -2 && *value > 7)) return {};
    buffer = buffer << 5 | *value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      id.bytes_[next++] = static_cast<std::uint8_t>(buffer >> bits);
    }
  }
  return id;
}

TimePoint Ulid::time() const {
  std::int64_t milliseconds = 0;
  for (std::size_t i = 0; i < 6; ++i) milliseconds = milliseconds << 8 | bytes_[i];
  return TimePoint(Duration(milliseconds));
}

std::string Ulid::text() const {
  std::string result;
  result.reserve(26);
  unsigned buffer = 0;
  int bits = 2;  // two zero bits in front make 130 of 128
  for (const std::uint8_t byte : bytes_) {
    buffer = buffer << 8 | byte;
    for (bits += 8; bits >= 5; bits -= 5) result += alphabet[buffer >> (bits - 5) & 31U];
  }
  return result;
}

Ulid new_ulid(TimePoint at) {
  std::array<std::uint8_t, 10> random{};
  // Up to 256 bytes come whole once the pool is ready (getrandom(2)).
  if (getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  return Ulid(at, random);
}

}  // namespace ecrelay

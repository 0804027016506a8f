#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/ulid.h"

/// The form of a message inside a spool segment, all numbers little-endian:
///
///   0  "ECRS"   4  version, 1   8  ULID, 16 bytes   24  head length   28  body length
///   32 CRC32C over bytes 0..31, head and body       36  head, then body
///
/// A record that was torn, cut or changed in any bit is an Error when read, never other text.
namespace ecrelay::records {

inline constexpr std::size_t spool_preamble_length = 36;
inline constexpr std::size_t max_spool_head = std::size_t{16} << 20;
inline constexpr std::size_t max_spool_body = std::size_t{1} << 30;

/// The fields added on top of a message, and the message below them; sent one after the other.
struct Body {
  std::string head;
  std::string body;
};

/// CRC32C (Castagnoli, RFC 3720 B.4) of `text`, going on from `crc` of what came before it.
std::uint32_t crc32c(std::string_view text, std::uint32_t crc = 0);

/// The bytes to be written before `head` and `body`. Refuses parts beyond the limits above.
Result<std::array<char, spool_preamble_length>> spool_preamble(const Ulid& id,
                                                               std::string_view head,
                                                               std::string_view body);

/// Reads the one record that `bytes` is. Error when it is not exactly a whole, undamaged record
/// of message `id`. Costs a pass over the bytes, and moves the body to their front.
Result<Body> read_spool_record(const Ulid& id, std::string bytes);

}  // namespace ecrelay::records

#include "records/spool_record.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace ecrelay::records {
namespace {

constexpr std::string_view magic = "ECRS";
constexpr std::uint32_t version = 1;
constexpr std::size_t id_at = 8;
constexpr std::size_t head_length_at = 24;
constexpr std::size_t body_length_at = 28;
constexpr std::size_t crc_at = 32;

void put(char* to, std::uint32_t number) {
  for (unsigned i = 0; i < 4; ++i) to[i] = static_cast<char>(number >> (8 * i) & 0xff);
}

std::uint32_t get(std::string_view bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (unsigned i = 0; i < 4; ++i)
    number |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  return number;
}

bool is_of(const Ulid& id, std::string_view preamble) {
  return std::memcmp(preamble.data() + id_at, id.bytes().data(), id.bytes().size()) == 0;
}

Result<void> check(const Ulid& id, std::string_view bytes) {
  if (bytes.size() < spool_preamble_length) return invalid("spool record is cut short");
  if (!bytes.starts_with(magic)) return invalid("no spool record begins here");
  if (get(bytes, 4) != version) return invalid("spool record of an unknown version");
  const std::uint64_t parts =
      std::uint64_t{get(bytes, head_length_at)} + get(bytes, body_length_at);
  if (bytes.size() - spool_preamble_length != parts)
    return invalid("spool record has another length");
  const std::uint32_t crc =
      crc32c(bytes.substr(spool_preamble_length), crc32c(bytes.substr(0, crc_at)));
  if (crc != get(bytes, crc_at)) return invalid("spool record is damaged (CRC32C differs)");
  if (!is_of(id, bytes)) return invalid("spool record belongs to another message");
  return {};
}

}  // namespace

std::uint32_t crc32c(std::string_view text, std::uint32_t crc) {
  // ISA-L neither presets nor inverts, takes an int as length, and reads through a pointer that
  // is not const.
  constexpr std::size_t stride = std::size_t{1} << 30;
  crc = ~crc;
  while (!text.empty()) {
    const std::size_t length = std::min(text.size(), stride);
    auto* bytes = reinterpret_cast<unsigned char*>(const_cast<char*>(text.data()));
    crc = crc32_iscsi(bytes, static_cast<int>(length), crc);
    text.remove_prefix(length);
  }
  return ~crc;
}

Result<std::array<char, spool_preamble_length>> spool_preamble(const Ulid& id,
                                                               std::string_view head,
                                                               std::string_view body) {
  if (head.size() > max_spool_head || body.size() > max_spool_body)
    return invalid("message is larger than a spool record can be");
  std::array<char, spool_preamble_length> preamble{};
  std::copy(magic.begin(), magic.end(), preamble.begin());
  put(preamble.data() + 4, version);
  std::memcpy(preamble.data() + id_at, id.bytes().data(), id.bytes().size());
  put(preamble.data() + head_length_at, static_cast<std::uint32_t>(head.size()));
  put(preamble.data() + body_length_at, static_cast<std::uint32_t>(body.size()));
  const std::string_view covered(preamble.data(), crc_at);
  put(preamble.data() + crc_at, crc32c(body, crc32c(head, crc32c(covered))));
  return preamble;
}

Result<Body> read_spool_record(const Ulid& id, std::string bytes) {
  if (auto whole = check(id, bytes); !whole) return whole.error();
  std::string head = bytes.substr(spool_preamble_length, get(bytes, head_length_at));
  bytes.erase(0, spool_preamble_length + head.size());
  return Body{std::move(head), std::move(bytes)};
}

}  // namespace ecrelay::records

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

/// What stands in DNS: messages as bytes and as values, the records that mail needs, and what is
/// wrong with them. Names are written in lower case and without the last dot; a byte that no host
/// name has is \DDD (RFC 4343 2.1).
namespace ecrelay::dns {

enum class Type : std::uint16_t { a = 1, ns = 2, cname = 5, mx = 15, txt = 16, aaaa = 28 };
std::string_view text(Type type);  ///< "TXT"

/// Lower case, no last dot.
std::string canonical(std::string_view name);
/// "shop.example" of "www.shop.example"; "" of a name with one label.
std::string_view parent(std::string_view name);

struct Record {
  std::string owner;
  Type type = Type::a;
  std::uint32_t ttl = 0;
  /// An address, a name, the strings of a TXT joined, "10 mail.example" of an MX.
  std::string value;
};

/// RFC 1035 4.1.1.
enum class Code : std::uint8_t { no_error = 0, servfail = 2, nxdomain = 3, refused = 5 };

struct Message {
  Code code = Code::no_error;  ///< any other number is possible too
  bool authoritative = false;
  std::vector<Record> answers;  ///< of the types above; others are passed over
};

/// Reads a reply from anybody. Bounded: 1,000 answers, names of 255 bytes, pointers that lead back
/// only. Errors (invalid): cut off, a name or record that runs out of it, no reply.
Result<Message> parse_message(std::string_view bytes);

}  // namespace ecrelay::dns

#include "smtp/proxy_header.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "core/text.h"

namespace ecrelay::smtp {
namespace {

constexpr std::string_view signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t fixed_part = 16;  ///< of version 2: signature, command, family, length
constexpr std::size_t longest_line = 107;
/// Addresses are at most 216 bytes; what balancers add to them is small.
constexpr std::size_t longest_rest = 2048;

std::size_t octet(char c) { return static_cast<unsigned char>(c); }

std::size_t length_of_rest(std::string_view header) {
  return octet(header[14]) << 8 | octet(header[15]);
}

template <std::size_t size>
std::array<std::uint8_t, size> octets(std::string_view bytes) {
  std::array<std::uint8_t, size> result{};
  std::transform(bytes.begin(), bytes.begin() + size, result.begin(),
                 [](char c) { return static_cast<std::uint8_t>(c); });
  return result;
}

}  // namespace

std::size_t ProxyHeader::wants() const {
  if (over_) return 0;
  if (bytes_.size() < signature.size()) return signature.size() - bytes_.size();
  if (!bytes_.starts_with(signature)) return 1;  // a line: its end may be the next byte
  if (bytes_.size() < fixed_part) return fixed_part - bytes_.size();
  return fixed_part + length_of_rest(bytes_) - bytes_.size();
}

void ProxyHeader::receive(std::string_view bytes) {
  bytes_ += bytes;
  if (bytes_.size() < signature.size()) {
    const std::string_view start = std::string_view(bytes_).substr(0, 6);
    if (!signature.starts_with(bytes_) && !std::string_view("PROXY ").starts_with(start))
      fail("the connection does not begin with a PROXY header");
  } else if (bytes_.starts_with(signature)) {
    read_binary();
  } else {
    read_line();
  }
}

void ProxyHeader::fail(std::string why) {
  client_ = invalid(std::move(why));
  over_ = true;
}

void ProxyHeader::finish(std::optional<IpAddress> client) {
  client_ = client;
  over_ = true;
}

/// "PROXY TCP4 192.0.2.7 198.51.100.1 56324 25" CRLF.
void ProxyHeader::read_line() {
  if (!bytes_.starts_with("PROXY "))
    return fail("the connection does not begin with a PROXY header");
  if (!bytes_.ends_with("\r\n")) {
    if (bytes_.size() >= longest_line || bytes_.ends_with('\n'))
      fail("a PROXY line without its end");
    return;
  }
  const std::string_view line = std::string_view(bytes_).substr(0, bytes_.size() - 2);
  const std::vector<std::string_view> words = text::split(line, ' ');
  if (words[1] == "UNKNOWN") return finish(std::nullopt);
  const bool v4 = words[1] == "TCP4";
  if (words.size() != 6 || (!v4 && words[1] != "TCP6"))
    return fail("a PROXY line of no known form");
  const auto client = IpAddress::parse(words[2]);
  if (!client || (v4 && !client->is_v4())) return fail("a PROXY line without a client's address");
  finish(client);
}

void ProxyHeader::read_binary() {
  if (bytes_.size() < fixed_part) return;
  const std::size_t command = octet(bytes_[12]);
  const std::size_t rest = length_of_rest(bytes_);
  if (command >> 4 != 2 || (command & 15U) > 1) return fail("a PROXY header of no known version");
  if (rest > longest_rest) return fail("a PROXY header of more than 2,048 bytes");
  if (bytes_.size() < fixed_part + rest) return;
  const bool local = (command & 15U) == 0;
  const std::size_t family = octet(bytes_[13]) >> 4;
  if (local || family == 0) return finish(std::nullopt);
  const std::string_view addresses = std::string_view(bytes_).substr(fixed_part);
  if (family == 1 && rest >= 12) return finish(IpAddress::v4(octets<4>(addresses)));
  if (family == 2 && rest >= 36) return finish(IpAddress::v6(octets<16>(addresses)));
  fail("a PROXY header without a client's address");
}

}  // namespace ecrelay::smtp

#include "core/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "core/text.h"

namespace ecrelay {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

/// Bits of `bytes` beyond `prefix` as zero.
std::array<std::uint8_t, 16> masked(std::array<std::uint8_t, 16> bytes, unsigned prefix) {
  for (unsigned bit = prefix; bit < 128; ++bit) {
    bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> bit % 8));
  }
  return bytes;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  // inet_pton would stop at a NUL and take what stands before it.
  if (text.find('\0') != std::string_view::npos) return {};
  const std::string copy(text);
  std::array<std::uint8_t, 4> four{};
  std::array<std::uint8_t, 16> sixteen{};
  if (inet_pton(AF_INET, copy.c_str(), four.data()) == 1) return v4(four);
  if (inet_pton(AF_INET6, copy.c_str(), sixteen.data()) == 1) return v6(sixteen);
  return {};
}

IpAddress IpAddress::v4(const std::array<std::uint8_t, 4>& bytes) {
  IpAddress address;
  std::copy(mapped_prefix.begin(), mapped_prefix.end(), address.bytes_.begin());
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin() + 12);
  return address;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& bytes) {
  IpAddress address;
  address.bytes_ = bytes;
  address.v4_ = std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes.begin());
  return address;
}

bool IpAddress::is_loopback() const {
  if (v4_) return bytes_[12] == 127;
  return std::all_of(bytes_.begin(), bytes_.end() - 1, [](auto b) { return b == 0; }) &&
         bytes_[15] == 1;
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  const void* source = v4_ ? bytes_.data() + 12 : bytes_.data();
  return inet_ntop(v4_ ? AF_INET : AF_INET6, source, buffer.data(), buffer.size());
}

IpAddress IpAddress::neighbourhood() const {
  IpAddress first = *this;
  if (!v4_) std::fill(first.bytes_.begin() + 8, first.bytes_.end(), std::uint8_t{0});
  return first;
}

std::string IpAddress::literal() const { return (v4_ ? "[" : "[IPv6:") + text() + "]"; }

std::optional<Network> Network::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto base = IpAddress::parse(text.substr(0, slash));
  if (!base) return {};
  const unsigned width = base->is_v4() ? 32 : 128;
  Network network;
  network.base_ = *base;
  network.prefix_ = width;
  if (slash != std::string_view::npos) {
    const auto prefix = text::number(text.substr(slash + 1));
    if (!prefix || *prefix > width) return {};
    network.prefix_ = static_cast<unsigned>(*prefix);
  }
  const unsigned bits = network.prefix_ + (128 - width);
  if (masked(base->mapped(), bits) != base->mapped()) return {};
  return network;
}

bool Network::contains(const IpAddress& address) const {
  if (address.is_v4() != base_.is_v4()) return false;
  const unsigned bits = prefix_ + (base_.is_v4() ? 96U : 0U);
  return masked(address.mapped(), bits) == base_.mapped();
}

std::string Network::text() const { return base_.text() + "/" + std::to_string(prefix_); }

}  // namespace ecrelay

#include "smtp/proxy_header.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace ecrelay::smtp {
namespace {

using std::string_literals::operator""s;

struct Read {
  Result<std::optional<IpAddress>> client;
  std::size_t taken;
};

/// Gives what is wanted, at most `step` bytes at a time.
Read read(const std::string& bytes, std::size_t step) {
  ProxyHeader header;
  std::size_t taken = 0;
  while (header.wants() > 0 && taken < bytes.size()) {
    const std::size_t next = std::min({header.wants(), step, bytes.size() - taken});
    header.receive(std::string_view(bytes).substr(taken, next));
    taken += next;
  }
  EXPECT_TRUE(header.wants() == 0 || taken == bytes.size());
  return {header.client(), header.wants() == 0 ? taken : std::string::npos};
}

const std::string after = "EHLO app-1\r\n";
const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string binary(char command, char family, const std::string& rest) {
  return signature + command + family + static_cast<char>(rest.size() >> 8) +
         static_cast<char>(rest.size() & 255U) + rest;
}

void expect_client(const std::string& header, const std::string& address) {
  for (std::size_t step = 1; step <= header.size(); ++step) {
    const Read done = read(header + after, step);
    ASSERT_TRUE(done.client) << done.client.error().detail;
    EXPECT_EQ(done.taken, header.size()) << "nothing of what follows";
    const auto& client = *done.client;
    EXPECT_EQ(client ? client->text() : "", address) << header;
  }
}

void expect_refusal(const std::string& header) {
  for (std::size_t step = 1; step <= header.size(); ++step)
    EXPECT_FALSE(read(header + after, step).client) << header;
}

TEST(ProxyHeader, OfVersion1SaysTheClient) {
  expect_client("PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\r\n", "192.0.2.7");
  expect_client("PROXY TCP6 2001:db8::7 2001:db8::1 56324 25\r\n", "2001:db8::7");
  expect_client("PROXY UNKNOWN\r\n", "");
  expect_client("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "");
}

TEST(ProxyHeader, OfVersion2SaysTheClient) {
  const std::string v4 = "\xc0\x00\x02\x07\xc6\x33\x64\x01\xdc\x04\x00\x19"s;
  expect_client(binary('\x21', '\x11', v4), "192.0.2.7");
  expect_client(binary('\x21', '\x11', v4 + "\x04\x00\x01x"s), "192.0.2.7");
  const std::string v6 =
      "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07"s + std::string(20, '\1');
  expect_client(binary('\x21', '\x21', v6), "2001:db8::7");
  expect_client(binary('\x20', '\x11', v4), "");
  expect_client(binary('\x20', '\x00', ""), "");
  expect_client(binary('\x21', '\x00', ""), "");
}

TEST(ProxyHeader, AnIpv4AddressInIpv6ClothesIsThatIpv4Address) {
  expect_client("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", "192.0.2.7");
}

TEST(ProxyHeader, AnythingElseIsRefused) {
  expect_refusal("EHLO app-1.example.jp\r\n");
  expect_refusal("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x01\x02\x03\x04\x05"s);
  expect_refusal("PROXY TCP4 192.0.2.7\r\n");
  expect_refusal("PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n");
  expect_refusal("PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\n");
  expect_refusal("PROXY UDP4 192.0.2.7 198.51.100.1 56324 25\r\n");
  expect_refusal("PROXY TCP4 nobody 198.51.100.1 56324 25\r\n");
  expect_refusal("PROXY " + std::string(200, 'x') + "\r\n");
  expect_refusal(binary('\x11', '\x11', std::string(12, '\1')));
  expect_refusal(binary('\x22', '\x11', std::string(12, '\1')));
  expect_refusal(binary('\x21', '\x11', "short"));
  expect_refusal(binary('\x21', '\x31', std::string(216, '\1')));
  expect_refusal(binary('\x21', '\x11', std::string(3000, '\1')));
}

}  // namespace
}  // namespace ecrelay::smtp

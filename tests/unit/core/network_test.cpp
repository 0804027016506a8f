#include "core/network.h"

#include <gtest/gtest.h>

namespace ecrelay {
namespace {

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }
bool is_in(std::string_view network, std::string_view ip) {
  return Network::parse(network).value().contains(address(ip));
}

TEST(IpAddress, MappedIpv4MeetsTheRulesForIpv4) {
  EXPECT_EQ(address("::ffff:192.0.2.1"), address("192.0.2.1"));
  EXPECT_TRUE(address("::ffff:192.0.2.1").is_v4());
  EXPECT_EQ(address("::ffff:192.0.2.1").text(), "192.0.2.1");
  EXPECT_TRUE(is_in("192.0.2.0/24", "::ffff:192.0.2.1"));
}

TEST(IpAddress, PrintsCanonicallyAndAsLiteral) {
  EXPECT_EQ(address("2001:DB8:0:0::1").text(), "2001:db8::1");
  EXPECT_EQ(address("192.0.2.1").literal(), "[192.0.2.1]");
  EXPECT_EQ(address("2001:db8::1").literal(), "[IPv6:2001:db8::1]");
}

TEST(IpAddress, RefusesWhatOtherReadersMightStretch) {
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "0x7f.1", " 1.2.3.4",
                           "1.2.3.4 ", "localhost", "fe80::1%eth0", "1.2.3.4/32", ":::", "[::1]"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("127.0.0.1\0.evil.example", 23)));
  EXPECT_FALSE(Network::parse(std::string_view("10.0.0.0\0x/8", 12)));
}

TEST(IpAddress, CountsAsItsSlash64WhereItIsIpv6) {
  const auto of = [](std::string_view text) { return IpAddress::parse(text)->neighbourhood(); };
  EXPECT_EQ(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2:ffff::"));
  EXPECT_NE(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
  EXPECT_NE(of("192.0.2.1"), of("192.0.2.2"));
  EXPECT_EQ(of("::ffff:192.0.2.1"), of("192.0.2.1"));
}

TEST(IpAddress, KnowsLoopback) {
  EXPECT_TRUE(address("127.9.9.9").is_loopback());
  EXPECT_TRUE(address("::1").is_loopback());
  EXPECT_TRUE(address("::ffff:127.0.0.1").is_loopback());
  EXPECT_FALSE(address("128.0.0.1").is_loopback());
  EXPECT_FALSE(address("::2").is_loopback());
  EXPECT_FALSE(address("::").is_loopback());
}

TEST(Network, HoldsExactlyItsPrefix) {
  EXPECT_TRUE(is_in("10.0.1.0/24", "10.0.1.0"));
  EXPECT_TRUE(is_in("10.0.1.0/24", "10.0.1.255"));
  EXPECT_FALSE(is_in("10.0.1.0/24", "10.0.2.0"));
  EXPECT_FALSE(is_in("10.0.1.0/24", "10.0.0.255"));
  EXPECT_TRUE(is_in("10.0.0.0/9", "10.127.255.255"));
  EXPECT_FALSE(is_in("10.0.0.0/9", "10.128.0.0"));
  EXPECT_TRUE(is_in("10.0.1.5", "10.0.1.5"));
  EXPECT_FALSE(is_in("10.0.1.5", "10.0.1.4"));
  EXPECT_TRUE(is_in("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(is_in("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(is_in("0.0.0.0/0", "255.255.255.255"));
}

TEST(Network, OfOneFamilyNeverLetsTheOtherIn) {
  EXPECT_FALSE(is_in("::/0", "10.0.0.1"));
  EXPECT_FALSE(is_in("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(is_in("::/0", "2001:db8::1"));
}

TEST(Network, RefusesSlipsOfThePen) {
  for (const char* text :
       {"10.0.1.5/24", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8",
        "/8", "2001:db8::1/64", "2001:db8::/129", "10.0.0.0/ 8", "::ffff:10.0.0.0/104"}) {
    EXPECT_FALSE(Network::parse(text)) << text;
  }
}

TEST(Network, PrintsItsPrefix) {
  EXPECT_EQ(Network::parse("10.0.1.5")->text(), "10.0.1.5/32");
  EXPECT_EQ(Network::parse("2001:db8::/32")->text(), "2001:db8::/32");
}

}  // namespace
}  // namespace ecrelay

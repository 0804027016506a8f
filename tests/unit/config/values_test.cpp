#include "config/reference.h"
#include "config/units.h"
#include "support.h"

namespace ecrelay::config {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ConfigUnits, DurationsAreUnitsInDescendingOrder) {
  EXPECT_EQ(parse_duration("250ms"), Duration(250));
  EXPECT_EQ(parse_duration("30s"), Duration(30s));
  EXPECT_EQ(parse_duration("5m"), Duration(5min));
  EXPECT_EQ(parse_duration("2h"), Duration(2h));
  EXPECT_EQ(parse_duration("2d"), Duration(48h));
  EXPECT_EQ(parse_duration("1h30m"), Duration(90min));
  EXPECT_EQ(parse_duration("1d2h3m4s5ms"), Duration(26h + 3min + 4s + 5ms));
  EXPECT_EQ(parse_duration("0s"), Duration(0));
  for (const std::string bad :
       {"", "5", "m", "5 m", "5M", "m5", "-5m", "+5m", "5m5m", "30m1h", "1.5h", "5min", "5m ",
        "1h30", "99999999999999999999s", "3651d", "3650d1ms"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
}

TEST(ConfigUnits, SizesArePowersOf1024AndNothingThatOneMustGuess) {
  EXPECT_EQ(parse_size("2048"), Size{2048});
  EXPECT_EQ(parse_size("64KiB"), Size{65536});
  EXPECT_EQ(parse_size("25MiB"), Size{26214400});
  EXPECT_EQ(parse_size("1GiB"), Size{1073741824});
  EXPECT_EQ(parse_size("1TiB"), Size{1099511627776});
  for (const std::string bad : {"", "MiB", "25MB", "25M", "25 MiB", "-1", "1.5MiB", "25mib", "0x10",
                                "9007199254740993TiB", "18446744073709551615"}) {
    EXPECT_FALSE(parse_size(bad)) << bad;
  }
  for (const std::uint64_t bytes : {0ULL, 1ULL, 1024ULL, 1025ULL, 26214400ULL, 1ULL << 40}) {
    EXPECT_EQ(parse_size(to_text(Size{bytes})), Size{bytes});
  }
}

TEST(ConfigUnits, PortsStandBehindTheLastColonAndIpv6InBrackets) {
  EXPECT_EQ(parse_host_and_port("[::]:25")->host, "::");
  EXPECT_EQ(parse_host_and_port("mx.example.jp:587")->port, 587);
  for (const std::string bad : {"", ":25", "host", "host:", "host:x", "host:65536", "::1:25",
                                "[10.0.0.1]:25", "[]:25", "host:-1", "[::1]25"}) {
    EXPECT_FALSE(parse_host_and_port(bad)) << bad;
  }
}

TEST(ConfigUnits, DomainNamesAreLabelsOfLettersDigitsAndInnerHyphens) {
  const std::string label63(63, 'a');
  for (const std::string& good : {std::string("localhost"), std::string("a.jp"),
                                  std::string("xn--eckwd4c7c.xn--zckzah"), "1." + label63}) {
    EXPECT_TRUE(is_domain_name(good)) << good;
  }
  for (const std::string& bad :
       {std::string(), std::string("."), std::string("a."), std::string(".a"), std::string("a..b"),
        std::string("-a.jp"), std::string("a-.jp"), std::string("a_b.jp"), std::string("a b.jp"),
        std::string("10.0.0.1"), std::string("a@b.jp"), std::string("ショップ.jp"),
        label63 + "a.jp", label63 + "." + label63 + "." + label63 + "." + label63}) {
    EXPECT_FALSE(is_domain_name(bad)) << bad;
  }
}

TEST(ConfigMoney, DecimalYenMustBeQuotedAndWholeYenNeedNot) {
  const TestFolder folder;
  const auto with_price = [&](const std::string& yen) {
    return folder.load(minimal_with("billing: {prices: [{from: 2026-01-01, yen: " + yen + "}]}"));
  };
  EXPECT_EQ(with_price("\"0.1\"").settings->billing.prices[0].yen, Money::milli_yen(100));
  EXPECT_EQ(with_price("'0.125'").settings->billing.prices[0].yen, Money::milli_yen(125));
  EXPECT_EQ(with_price("1").settings->billing.prices[0].yen, Money::milli_yen(1000));
  EXPECT_THAT(texts(with_price("0.1").errors, folder),
              ElementsAre("test.yaml:6:44: error: yen: decimal yen must be quoted: YAML reads a "
                          "plain one as a float; write \"0.1\""));
  for (const std::string bad : {"\"0.0001\"", "\"-1\"", "-1", "1e3", "\"1,000\"", "\"\"", ".5"}) {
    EXPECT_EQ(with_price(bad).errors.size(), 1U) << bad;
  }
}

TEST(ConfigPrices, MustAscendByDay) {
  const TestFolder folder;
  const auto outcome = folder.load(
      minimal_with("billing: {prices: [{from: 2026-02-01, yen: 1}, {from: 2026-02-01, yen: 2}, "
                   "{from: 2026-01-31, yen: 3}]}"));
  EXPECT_THAT(texts(outcome.errors, folder),
              ElementsAre("test.yaml:6:55: error: from: prices must ascend by day: 2026-02-01 is "
                          "not after 2026-02-01",
                          "test.yaml:6:83: error: from: prices must ascend by day: 2026-01-31 is "
                          "not after 2026-02-01"));
}

TEST(ConfigPrices, AShopsOwnListMustHoldOne) {
  const TestFolder folder;
  const auto outcome =
      folder.load(minimal_with("shops: [{id: s, domains: [{name: s.jp}], billing: {}}]"));
  EXPECT_THAT(texts(outcome.errors, folder),
              ElementsAre("test.yaml:4:51: error: billing: no price; prices: [{from: 2026-01-01, "
                          "yen: \"0.1\"}]"));
}

TEST(ConfigHost, ACertificateIsAFingerprintOrAName) {
  const TestFolder folder;
  const auto identity = [&](const std::string& text) -> std::optional<std::string> {
    folder.write("chain.pem", "-----BEGIN CERTIFICATE-----\n");
    folder.write("key.pem", "-----BEGIN PRIVATE KEY-----\n");
    const auto outcome = folder.load(
        "hostname: r.jp\ntls: {client_ca: file:chain.pem}\n"
        "listeners: [{address: \"0.0.0.0:25\", tls: required, certificate: "
        "file:chain.pem, key: file:key.pem}]\nhosts: [{name: a, networks: [10.0.0.0/8], shops: "
        "[\"*\"], certificate: \"" +
        text + "\"}]\n" + std::string(minimal.substr(minimal.find("shops: [{id"))));
    if (!outcome.settings) return {};
    return outcome.settings->hosts[0].certificate;
  };
  std::string colons;
  for (int i = 0; i < 32; ++i) colons += i == 0 ? "AB" : ":AB";
  std::string digits;
  for (int i = 0; i < 32; ++i) digits += "ab";
  EXPECT_EQ(identity(colons), digits);
  EXPECT_EQ(identity(digits), digits);
  EXPECT_EQ(identity("App-1.Example.JP"), "app-1.example.jp");
  EXPECT_EQ(identity("ab:cd"), std::nullopt);
  EXPECT_EQ(identity("no name"), std::nullopt);
}

TEST(ConfigReference, SaysOfEveryKeyWhatItIsAndWhatItIsWithoutAWord) {
  for (const ReferenceEntry& entry : reference_entries()) {
    EXPECT_FALSE(entry.type.empty()) << entry.path;
    EXPECT_FALSE(entry.text.empty()) << entry.path;
    EXPECT_EQ(entry.default_value.empty(), entry.type == "section" && entry.default_value != "none")
        << entry.path;
  }
}

TEST(ConfigReference, ReadsLikeThis) {
  const std::string text = reference();
  for (const std::string part :
       {"\nhostname\n    in the banner, EHLO and Received\n    Value: text. Required.\n",
        "\nretry.schedule\n    waits after the first, second … failed attempt; the last one "
        "repeats\n"
        "    Value: list: a duration (30s, 5m, 1h30m, 2d). Default: [1m, 5m, 15m, 30m, 1h, 2h, "
        "4h].\n",
        "\nupstreams[].timeouts.connect\n    TCP connection and TLS handshake\n"
        "    Value: a duration (30s, 5m, 1h30m, 2d), 100ms to 1h. Default: 30s.\n",
        "\nsuppression.mailbox.points\n    at least so many points (one a day counts)\n"
        "    Value: a whole number, 1 to 1000. Default: 3.\n",
        "\nshops[].billing\n    its own prices instead of everybody's\n"
        "    Value: section. Default: none.\n"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
}

}  // namespace
}  // namespace ecrelay::config

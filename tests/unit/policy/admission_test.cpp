#include "policy/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace ecrelay::policy {
namespace {

using testing::Contains;
using testing::HasSubstr;

std::vector<Network> networks(const std::vector<std::string>& texts) {
  std::vector<Network> result;
  for (const auto& text : texts) result.push_back(Network::parse(text).value());
  return result;
}

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

Host host(std::string name, const std::vector<std::string>& where) {
  Host result;
  result.name = std::move(name);
  result.networks = networks(where);
  return result;
}

Shop shop(std::string id, std::vector<std::string> domains) {
  Shop result;
  result.id = std::move(id);
  result.domains = std::move(domains);
  return result;
}

/// app-1 sends for every shop, app-2 for shop-a only, app-3 for every shop after a login.
Admission house() {
  Host everybody = host("app-1", {"10.0.1.0/24", "2001:db8:1::/64"});
  everybody.all_shops = true;
  Host only_a = host("app-2", {"10.0.2.0/24"});
  only_a.shops = {"shop-a"};
  Host with_login = host("app-3", {"10.0.3.0/24"});
  with_login.all_shops = true;
  with_login.auth = Auth::required;
  Shop closed = shop("shop-c", {"shop-c.example"});
  closed.stopped = true;
  auto built = Admission::build({everybody, only_a, with_login},
                                {shop("shop-a", {"shop-a.example", "Mail.Shop-A.example"}),
                                 shop("shop-b", {"shop-b.example", "日本語.example"}), closed});
  return std::move(built).value();
}

class AdmissionTest : public testing::Test {
 protected:
  const Host& at(std::string_view address) const { return *house_.find_host(ip(address)); }
  const Shop* shop_named(std::string_view id) const { return house_.find_shop(id); }

  Admission house_ = house();
  const Host& everybody_ = at("10.0.1.1");
  const Host& only_a_ = at("10.0.2.1");
  const Host& with_login_ = at("10.0.3.1");
};

TEST_F(AdmissionTest, AStrangerIsNobody) {
  for (const auto* address : {"192.0.2.1", "10.0.4.1", "127.0.0.1", "::1", "2001:db8:2::1"}) {
    EXPECT_EQ(house_.find_host(ip(address)), nullptr) << address;
  }
}

TEST_F(AdmissionTest, AnIpv4PeerOnAnIpv6SocketIsTheSameHost) {
  ASSERT_NE(house_.find_host(ip("::ffff:10.0.1.9")), nullptr);
  EXPECT_EQ(house_.find_host(ip("::ffff:10.0.1.9"))->name, "app-1");
  EXPECT_EQ(house_.find_host(ip("::ffff:10.0.9.9")), nullptr);
}

TEST(FindHost, TheMostSpecificNetworkWins) {
  auto built = Admission::build(
      {host("wide", {"10.0.0.0/8", "fd00::/8"}), host("middle", {"10.1.0.0/16", "fd00:1::/32"}),
       host("one", {"10.1.2.3", "fd00:1::5"})},
      {});
  const Admission& admission = built.value();
  EXPECT_EQ(admission.find_host(ip("10.9.9.9"))->name, "wide");
  EXPECT_EQ(admission.find_host(ip("10.1.9.9"))->name, "middle");
  EXPECT_EQ(admission.find_host(ip("10.1.2.3"))->name, "one");
  EXPECT_EQ(admission.find_host(ip("10.1.2.4"))->name, "middle");
  EXPECT_EQ(admission.find_host(ip("fd00:2::1"))->name, "wide");
  EXPECT_EQ(admission.find_host(ip("fd00:1::4"))->name, "middle");
  EXPECT_EQ(admission.find_host(ip("fd00:1::5"))->name, "one");
}

TEST(FindHost, AgreesWithAskingEveryNetworkOneByOne) {
  std::vector<Host> hosts;
  for (unsigned prefix = 8; prefix <= 32; ++prefix) {
    hosts.push_back(host("p" + std::to_string(prefix), {}));
    const std::uint32_t bits = 0x0A55AA55U & ~(prefix == 32 ? 0U : 0xFFFFFFFFU >> prefix);
    const auto byte = [&](int shift) { return std::to_string(bits >> shift & 0xFF); };
    hosts.back().networks = networks(
        {byte(24) + "." + byte(16) + "." + byte(8) + "." + byte(0) + "/" + std::to_string(prefix)});
  }
  const auto admission = Admission::build(hosts, {}).value();
  for (unsigned flip = 8; flip <= 32; ++flip) {
    // Differs from 10.85.170.85 in bit `flip`: networks up to that prefix hold it.
    const std::uint32_t bits = 0x0A55AA55U ^ (flip == 32 ? 0U : 0x80000000U >> flip);
    const auto byte = [&](int shift) { return static_cast<std::uint8_t>(bits >> shift & 0xFF); };
    const auto address = IpAddress::v4({byte(24), byte(16), byte(8), byte(0)});
    ASSERT_NE(admission.find_host(address), nullptr) << flip;
    EXPECT_EQ(admission.find_host(address)->name, "p" + std::to_string(flip));
  }
}

TEST(FindHost, AnIpv6NetworkLetsNoIpv4In) {
  Host all = host("v6", {"::/0"});
  all.auth = Auth::required;
  const auto admission = Admission::build({all}, {}).value();
  EXPECT_NE(admission.find_host(ip("2001:db8::1")), nullptr);
  EXPECT_EQ(admission.find_host(ip("10.0.0.1")), nullptr);
  EXPECT_EQ(admission.find_host(ip("::ffff:10.0.0.1")), nullptr);
}

TEST(FindHost, AHostWithoutNetworksIsNobody) {
  const auto admission = Admission::build({host("empty", {})}, {}).value();
  EXPECT_EQ(admission.find_host(ip("0.0.0.0")), nullptr);
  EXPECT_EQ(admission.find_host(ip("::")), nullptr);
}

// --- hosts x logins x senders -------------------------------------------------------------

struct SenderCase {
  const char* host;
  const char* login;   // "" for none
  const char* sender;  // "<>" for null
  Refusal refusal;
  const char* shop;  // "" for none
};

class SenderMatrix : public testing::TestWithParam<SenderCase> {};

TEST_P(SenderMatrix, AdmitsExactlyWhatBelongsToTheShop) {
  const SenderCase& row = GetParam();
  const Admission admission = house();
  const Host* client = admission.find_host(ip(row.host));
  ASSERT_NE(client, nullptr);
  const Shop* login = *row.login == '\0' ? nullptr : admission.find_shop(row.login);
  std::optional<std::string_view> sender;
  if (std::string_view(row.sender) != "<>") sender = row.sender;
  const Decision decision = admission.admit_sender(*client, login, sender);
  EXPECT_EQ(decision.refusal, row.refusal) << decision.reason;
  EXPECT_EQ(decision.shop == nullptr ? "" : decision.shop->id, row.shop);
  EXPECT_FALSE(decision.reason.empty());
}

constexpr auto none = Refusal::none;
INSTANTIATE_TEST_SUITE_P(
    All, SenderMatrix,
    testing::Values(
        // every shop, no login
        SenderCase{"10.0.1.1", "", "shop-a.example", none, "shop-a"},
        SenderCase{"10.0.1.1", "", "shop-b.example", none, "shop-b"},
        SenderCase{"10.0.1.1", "", "SHOP-A.Example", none, "shop-a"},
        SenderCase{"10.0.1.1", "", "shop-a.example.", none, "shop-a"},
        SenderCase{"10.0.1.1", "", "mail.shop-a.example", none, "shop-a"},
        SenderCase{"10.0.1.1", "", "日本語.example", none, "shop-b"},
        SenderCase{"10.0.1.1", "", "xn--wgv71a119e.example", none, "shop-b"},
        SenderCase{"2001:db8:1::7", "", "shop-a.example", none, "shop-a"},
        SenderCase{"::ffff:10.0.1.1", "", "shop-a.example", none, "shop-a"},
        SenderCase{"10.0.1.1", "", "<>", none, ""},
        // not theirs
        SenderCase{"10.0.1.1", "", "stranger.example", Refusal::domain_of_no_shop, ""},
        SenderCase{"10.0.1.1", "", "sub.shop-a.example", Refusal::domain_of_no_shop, ""},
        SenderCase{"10.0.1.1", "", "example", Refusal::domain_of_no_shop, ""},
        SenderCase{"10.0.1.1", "", "", Refusal::domain_of_no_shop, ""},
        SenderCase{"10.0.1.1", "", "xshop-a.example", Refusal::domain_of_no_shop, ""},
        SenderCase{"10.0.1.1", "", "shop-а.example", Refusal::domain_of_no_shop, ""},  // Cyrillic а
        SenderCase{"10.0.1.1", "", "shop-a.example\n", Refusal::domain_of_no_shop, ""},
        SenderCase{"10.0.1.1", "", "shop-c.example", Refusal::shop_stopped, ""},
        // one shop only
        SenderCase{"10.0.2.1", "", "shop-a.example", none, "shop-a"},
        SenderCase{"10.0.2.1", "", "shop-b.example", Refusal::host_not_for_shop, ""},
        SenderCase{"10.0.2.1", "shop-b", "shop-b.example", Refusal::host_not_for_shop, ""},
        SenderCase{"10.0.2.1", "shop-b", "<>", Refusal::host_not_for_shop, ""},
        // a login decides, where asked for or not
        SenderCase{"10.0.1.1", "shop-a", "shop-a.example", none, "shop-a"},
        SenderCase{"10.0.1.1", "shop-a", "shop-b.example", Refusal::domain_of_another_shop, ""},
        SenderCase{"10.0.1.1", "shop-a", "stranger.example", Refusal::domain_of_no_shop, ""},
        SenderCase{"10.0.1.1", "shop-a", "<>", none, "shop-a"},
        SenderCase{"10.0.1.1", "shop-c", "<>", Refusal::shop_stopped, ""},
        SenderCase{"10.0.3.1", "", "shop-a.example", Refusal::login_required, ""},
        SenderCase{"10.0.3.1", "", "stranger.example", Refusal::login_required, ""},
        SenderCase{"10.0.3.1", "", "<>", Refusal::login_required, ""},
        SenderCase{"10.0.3.1", "shop-a", "shop-a.example", none, "shop-a"},
        SenderCase{"10.0.3.1", "shop-a", "shop-b.example", Refusal::domain_of_another_shop, ""}));

// --- header From --------------------------------------------------------------------------

using Domains = std::vector<std::string>;

TEST_F(AdmissionTest, EveryFromDomainMustBelongToTheShop) {
  const Shop* a = shop_named("shop-a");
  EXPECT_TRUE(house_.check_from(everybody_, a, Domains{"shop-a.example"}).admitted());
  EXPECT_TRUE(house_.check_from(everybody_, a, Domains{"shop-a.example", "mail.shop-a.example"})
                  .admitted());
  EXPECT_EQ(house_.check_from(everybody_, a, Domains{"shop-a.example", "shop-b.example"}).refusal,
            Refusal::domain_of_another_shop);
  EXPECT_EQ(house_.check_from(everybody_, a, Domains{"shop-a.example", "gmail.com"}).refusal,
            Refusal::domain_of_no_shop);
  EXPECT_EQ(house_.check_from(everybody_, a, Domains{"gmail.com", "shop-a.example"}).refusal,
            Refusal::domain_of_no_shop);
  EXPECT_EQ(house_.check_from(everybody_, a, Domains{""}).refusal, Refusal::domain_of_no_shop);
  EXPECT_EQ(house_.check_from(everybody_, a, Domains{}).refusal, Refusal::no_from);
}

TEST_F(AdmissionTest, TheReasonNamesTheDomain) {
  const Decision decision =
      house_.check_from(everybody_, shop_named("shop-a"), Domains{"Evil.Example"});
  EXPECT_THAT(decision.reason, HasSubstr("evil.example"));
}

TEST_F(AdmissionTest, UnderANullSenderFromDecidesTheShop) {
  const Decision decision = house_.check_from(everybody_, nullptr, Domains{"shop-b.example"});
  ASSERT_TRUE(decision.admitted());
  EXPECT_EQ(decision.shop->id, "shop-b");
  EXPECT_EQ(
      house_.check_from(everybody_, nullptr, Domains{"shop-b.example", "shop-a.example"}).refusal,
      Refusal::domain_of_another_shop);
  EXPECT_EQ(house_.check_from(everybody_, nullptr, Domains{}).refusal, Refusal::no_from);
}

TEST_F(AdmissionTest, UnderANullSenderTheHostsShopsStillCount) {
  EXPECT_EQ(house_.check_from(only_a_, nullptr, Domains{"shop-b.example"}).refusal,
            Refusal::host_not_for_shop);
  EXPECT_TRUE(house_.check_from(only_a_, nullptr, Domains{"shop-a.example"}).admitted());
  EXPECT_EQ(house_.check_from(everybody_, nullptr, Domains{"shop-c.example"}).refusal,
            Refusal::shop_stopped);
}

TEST_F(AdmissionTest, AHostThatMustLogInCannotComeInByFromAlone) {
  EXPECT_EQ(house_.check_from(with_login_, nullptr, Domains{"shop-a.example"}).refusal,
            Refusal::login_required);
}

// --- building -----------------------------------------------------------------------------

std::string faults_of(std::vector<Host> hosts, std::vector<Shop> shops) {
  const auto built = Admission::build(std::move(hosts), std::move(shops));
  return built ? "" : built.error().detail;
}

TEST(AdmissionBuild, RefusesTwoOwnersOfAnything) {
  EXPECT_THAT(faults_of({}, {shop("a", {"x.example"}), shop("b", {"X.Example."})}),
              HasSubstr("domain x.example belongs to shop a and to shop b"));
  EXPECT_THAT(faults_of({}, {shop("a", {}), shop("a", {})}), HasSubstr("two shops have id a"));
  EXPECT_THAT(faults_of({host("h", {"10.0.0.1"}), host("i", {"10.0.0.1/32"})}, {}),
              HasSubstr("network 10.0.0.1/32 belongs to host h and to host i"));
  EXPECT_THAT(faults_of({host("h", {}), host("h", {})}, {}), HasSubstr("two hosts have name h"));
}

TEST(AdmissionBuild, RefusesWhatNamesNothing) {
  Host lost = host("h", {});
  lost.shops = {"shop-x"};
  EXPECT_THAT(faults_of({lost}, {}), HasSubstr("unknown shop shop-x"));
  EXPECT_THAT(faults_of({}, {shop("", {})}), HasSubstr("no id"));
  EXPECT_THAT(faults_of({}, {shop("a", {""})}), HasSubstr("empty domain"));
}

TEST(AdmissionBuild, TellsAllFaultsAtOnce) {
  const auto faults = faults_of({host("h", {"0.0.0.0/0"}), host("h", {})}, {shop("", {""})});
  EXPECT_EQ(std::count(faults.begin(), faults.end(), '\n'), 3) << faults;
}

TEST(OpenRelay, NoSettingOpensAWidePublicNetworkToStrangers) {
  for (const auto* network : {"0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "203.0.0.0/8", "8.0.0.0/7",
                              "10.0.0.0/7", "::/0", "2000::/3", "2001:db8::/31", "fc00::/6"}) {
    EXPECT_THAT(faults_of({host("h", {network})}, {}), HasSubstr("strangers")) << network;
    Host safe = host("h", {network});
    safe.auth = Auth::required;
    EXPECT_EQ(faults_of({safe}, {}), "") << network;
  }
  for (const auto* network : {"10.0.0.0/8", "192.168.0.0/16", "172.16.0.0/12", "100.64.0.0/10",
                              "203.0.113.0/24", "203.0.0.0/16", "fd00::/8", "2001:db8::/32"}) {
    EXPECT_EQ(faults_of({host("h", {network})}, {}), "") << network;
  }
}

TEST(Certificate, IsAskedOnlyWhereTheHostNamesOne) {
  Host plain = host("h", {});
  EXPECT_TRUE(certificate_fits(plain, nullptr));
  plain.certificate = "app.example";
  EXPECT_FALSE(certificate_fits(plain, nullptr));
}

TEST(Certificate, FitsByFingerprintOrVerifiedName) {
  const std::string print(64, 'a');
  Host by_print = host("h", {});
  by_print.certificate = "AA:" + std::string(62, 'A');
  EXPECT_TRUE(
      certificate_fits(by_print, std::make_unique<PeerCertificate>(print, Domains{}).get()));
  const PeerCertificate other{std::string(64, 'b'), {print, "app.example"}};
  EXPECT_FALSE(certificate_fits(by_print, &other));
  Host by_name = host("h", {});
  by_name.certificate = "App.example";
  EXPECT_TRUE(certificate_fits(by_name, &other));
  const PeerCertificate unverified{print, {}};
  EXPECT_FALSE(certificate_fits(by_name, &unverified));
}

// --- explaining ---------------------------------------------------------------------------

TEST_F(AdmissionTest, ExplainsAStrangerInOneStep) {
  const auto steps = house_.explain(ip("192.0.2.1"), "shop-a.example");
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_FALSE(steps[0].passed);
  EXPECT_THAT(steps[0].question, HasSubstr("192.0.2.1"));
}

TEST_F(AdmissionTest, ExplainsEachStepOfTheWay) {
  const auto steps = house_.explain(ip("10.0.3.1"), "shop-a.example");
  ASSERT_EQ(steps.size(), 5U);
  for (const auto& step : steps) EXPECT_TRUE(step.passed) << step.question << step.answer;
  EXPECT_EQ(steps[0].answer, "app-3, by network 10.0.3.0/24");
  EXPECT_THAT(steps[1].answer, HasSubstr("yes"));
  EXPECT_EQ(steps[3].answer, "shop-a");
}

TEST_F(AdmissionTest, ExplainsWhereTheWayEnds) {
  EXPECT_FALSE(house_.explain(ip("10.0.2.1"), "shop-b.example").back().passed);
  EXPECT_THAT(house_.explain(ip("10.0.2.1"), "shop-b.example").back().answer,
              HasSubstr("may not send for shop shop-b"));
  EXPECT_FALSE(house_.explain(ip("10.0.1.1"), "gmail.com").back().passed);
  EXPECT_TRUE(house_.explain(ip("10.0.1.1"), std::nullopt).back().passed);
}

TEST(AdmissionLife, PointersOutliveAMove) {
  Admission first = house();
  const Host* client = first.find_host(ip("10.0.1.1"));
  const Admission second = std::move(first);
  EXPECT_EQ(second.find_host(ip("10.0.1.1")), client);
}

TEST(AdmissionSize, FindsAmongThousandsOfShopsAndNetworks) {
  std::vector<Shop> shops;
  std::vector<Host> hosts;
  for (int i = 0; i < 5000; ++i) {
    const auto n = std::to_string(i);
    shops.push_back(shop("shop-" + n, {"shop-" + n + ".example"}));
    hosts.push_back(host(
        "app-" + n, {"10." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ".0/24"}));
  }
  const auto admission = Admission::build(std::move(hosts), std::move(shops)).value();
  for (int i = 0; i < 5000; ++i) {
    const auto n = std::to_string(i);
    const auto address = IpAddress::v4(
        {10, static_cast<std::uint8_t>(i / 256), static_cast<std::uint8_t>(i % 256), 9});
    EXPECT_EQ(admission.find_host(address)->name, "app-" + n);
    EXPECT_EQ(admission.shop_of_domain("shop-" + n + ".example")->id, "shop-" + n);
  }
}

}  // namespace
}  // namespace ecrelay::policy

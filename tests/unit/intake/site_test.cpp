#include "intake/site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ecrelay::intake {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const TimePoint today{Duration(1'800'000'000'000)};

std::string pem(dkim::Algorithm algorithm) {
  return dkim::Key::generate(algorithm)->pem().reveal();
}

config::DkimKey key(const std::string& selector, const std::string& text) {
  config::DkimKey result;
  result.selector = selector;
  result.key.reference = "file:" + selector + ".pem";
  result.key.value = Secret(text);
  return result;
}

config::Settings settings() {
  config::Settings result;
  result.hostname = "relay.example.jp";
  config::Listener listener;
  listener.address.ip = *IpAddress::parse("127.0.0.1");
  result.listeners.push_back(listener);
  config::Host host;
  host.name = "app-1";
  host.networks.push_back(*Network::parse("10.0.1.0/24"));
  host.shops.all = true;
  result.hosts.push_back(host);
  config::Shop shop;
  shop.id = "shop-a";
  shop.domains.resize(2);
  shop.domains[0].name = "shop-a.example";
  shop.domains[0].dkim = {key("r1", pem(dkim::Algorithm::rsa_sha256)),
                          key("e1", pem(dkim::Algorithm::ed25519_sha256))};
  shop.domains[1].name = "other-a.example";
  shop.domains[1].dkim = {key("r2", pem(dkim::Algorithm::rsa_sha256))};
  result.shops.push_back(shop);
  config::Upstream upstream;
  upstream.name = "default";
  result.upstreams.push_back(upstream);
  return result;
}

SiteOutcome built(config::Settings from) {
  return build_site(std::move(from), *dkim::make_cached_signer(), today);
}

std::vector<std::string> selectors(const std::vector<dkim::Identity>& identities) {
  std::vector<std::string> result;
  for (const dkim::Identity& identity : identities) result.push_back(identity.selector);
  return result;
}

TEST(Site, SignsForTheDomainOfHeaderFromInAnySpelling) {
  const SiteOutcome outcome = built(settings());
  ASSERT_TRUE(outcome.site);
  EXPECT_THAT(selectors(outcome.site->signers({"Shop-A.Example"}, "other-a.example")),
              ElementsAre("r1", "e1"));
  EXPECT_THAT(selectors(outcome.site->signers(
                  {"other-a.example", "shop-a.example", "other-a.example"}, "")),
              ElementsAre("r2", "r1", "e1"))
      << "each From domain once";
}

TEST(Site, SignsForTheSenderWhereNoFromDomainHasKeys) {
  config::Settings from = settings();
  from.shops[0].domains[1].dkim.clear();
  const SiteOutcome outcome = built(std::move(from));
  ASSERT_TRUE(outcome.site);
  EXPECT_THAT(selectors(outcome.site->signers({"other-a.example"}, "shop-a.example")),
              ElementsAre("r1", "e1"));
  EXPECT_THAT(selectors(outcome.site->signers({"other-a.example"}, "")), IsEmpty());
}

TEST(Site, NoSettingOfAnUpstreamLeavesASignedDomainUnsigned) {
  config::Settings from = settings();
  from.upstreams[0].signatures = {config::Signature::ed25519_sha256};
  const SiteOutcome outcome = built(std::move(from));
  EXPECT_FALSE(outcome.site);
  EXPECT_THAT(outcome.errors, ElementsAre(HasSubstr("no dkim key of domain 'other-a.example'")));
}

TEST(Site, UsesOnlyTheAlgorithmsThatTheUpstreamTakes) {
  config::Settings from = settings();
  from.upstreams[0].signatures = {config::Signature::rsa_sha256};
  const SiteOutcome outcome = built(std::move(from));
  ASSERT_TRUE(outcome.site);
  EXPECT_THAT(selectors(outcome.site->signers({"shop-a.example"}, "")), ElementsAre("r1"));
}

TEST(Site, AKeyThatIsNoneIsAnErrorWithItsName) {
  config::Settings from = settings();
  from.shops[0].domains[0].dkim[0].key.value =
      Secret("-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n");
  const SiteOutcome outcome = built(std::move(from));
  EXPECT_FALSE(outcome.site);
  EXPECT_THAT(outcome.errors, ElementsAre(HasSubstr("r1._domainkey.shop-a.example (file:r1.pem)")));
}

TEST(Site, TakesKeysOverFromTheOneBeforeByTheirContent) {
  config::Settings from = settings();
  const auto signer = dkim::make_cached_signer();
  const SiteOutcome before = build_site(from, *signer, today);
  ASSERT_TRUE(before.site);
  from.shops[0].domains[0].dkim[0].selector = "r2";  // moved, and the same key
  from.shops[0].domains[0].dkim[1].key.value = Secret(pem(dkim::Algorithm::ed25519_sha256));
  const SiteOutcome after = build_site(from, *signer, today, before.site.get());
  ASSERT_TRUE(after.site);
  const auto& old = before.site->identities.at("shop-a.example");
  const auto& fresh = after.site->identities.at("shop-a.example");
  EXPECT_EQ(fresh[0].selector, "r2");
  EXPECT_EQ(fresh[0].key.handle(), old[0].key.handle());
  EXPECT_NE(fresh[1].key.handle(), old[1].key.handle());
}

}  // namespace
}  // namespace ecrelay::intake

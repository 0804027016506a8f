#include "intake/signing.h"

#include <gmock/gmock.h>

#include <set>

namespace ecrelay::intake {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

dkim::Identity identity(const std::string& domain, const std::string& selector) {
  static const dkim::Key key = *dkim::Key::generate(dkim::Algorithm::ed25519_sha256);
  return dkim::Identity{domain, selector, key};
}

/// Keys r1 and e1 of shop.example, r1 of other.example.
class Choice : public ::testing::Test {
 protected:
  Choice() {
    site_.identities["shop.example"] = {identity("shop.example", "r1"),
                                        identity("shop.example", "e1")};
    site_.identities["other.example"] = {identity("other.example", "r1")};
    site_.substitutes["shop.example"] = {identity("relay.example", "o1")};
  }

  Signing choose(const std::vector<std::string>& from = {"shop.example"}) const {
    return choose_signing(site_, from, "", [this](auto domain, auto selector) {
      return in_dns_.contains(std::string(selector) + "." + std::string(domain));
    });
  }
  static std::vector<std::string> names(const Signing& signing) {
    std::vector<std::string> names;
    for (const auto& each : signing.identities) names.push_back(each.selector + "." + each.domain);
    return names;
  }

  Site site_{{}, *policy::Admission::build({}, {}), {}, {}, {}, {}, {}, {}};
  std::set<std::string> in_dns_;
};

TEST_F(Choice, OnlyKeysThatDnsHasSign) {
  in_dns_ = {"e1.shop.example"};
  EXPECT_THAT(names(choose()), ElementsAre("e1.shop.example"));
}

TEST_F(Choice, WithNoneThereADomainSaysWhatIsDoneAndItIsNeverUnsigned) {
  EXPECT_THAT(names(choose()), ElementsAre("r1.shop.example", "e1.shop.example"));
  EXPECT_EQ(choose().held_for, "");

  site_.unpublished["shop.example"] = config::Unpublished::hold;
  EXPECT_EQ(choose().held_for, "shop.example");
  EXPECT_THAT(names(choose()), ElementsAre("r1.shop.example", "e1.shop.example"));

  site_.unpublished["shop.example"] = config::Unpublished::operator_;
  EXPECT_THAT(names(choose()), ElementsAre("o1.relay.example"));
  EXPECT_EQ(choose().held_for, "");

  site_.unpublished["shop.example"] = config::Unpublished::refuse;
  EXPECT_EQ(choose().refused_for, "shop.example");
}

TEST_F(Choice, OneKeyInDnsIsEnoughNotToHoldOrRefuse) {
  in_dns_ = {"r1.shop.example"};
  site_.unpublished["shop.example"] = config::Unpublished::hold;
  EXPECT_EQ(choose().held_for, "");
}

TEST_F(Choice, EachDomainOfTheHeaderDecidesForItself) {
  in_dns_ = {"r1.other.example"};
  site_.unpublished["shop.example"] = config::Unpublished::operator_;
  EXPECT_THAT(names(choose({"other.example", "shop.example"})),
              ElementsAre("r1.other.example", "o1.relay.example"));
}

TEST_F(Choice, WithoutAnybodyWhoLooksEveryKeySigns) {
  EXPECT_THAT(names(choose_signing(site_, {"shop.example"}, "", {})),
              ElementsAre("r1.shop.example", "e1.shop.example"));
  EXPECT_THAT(names(choose({"unknown.example"})), IsEmpty());
}

}  // namespace
}  // namespace ecrelay::intake

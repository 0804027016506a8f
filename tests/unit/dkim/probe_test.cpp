#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/dkim/fixtures.h"

namespace ecrelay::dkim {
namespace {

TEST(Probe, PassesForEveryEngineAndAlgorithm) {
  for (const Engine& engine : engines) {
    const auto signer = engine.make();
    for (const Identity& identity : {rsa_identity(), ed25519_identity()}) {
      const auto passed = probe(*signer, identity, noon);
      EXPECT_TRUE(passed) << engine.name << ": " << passed.error().detail;
    }
  }
}

/// Signs with another key than it is asked to, or changes what it signed.
class WrongSigner final : public Signer {
 public:
  explicit WrongSigner(std::string_view from, std::string_view to) : from_(from), to_(to) {}
  Result<std::string> sign(std::string_view head, std::span<const std::string_view> body,
                           std::span<const Identity> identities, TimePoint at) const override {
    auto field = make_cached_signer()->sign(head, body, identities, at);
    field->replace(field->find(from_), from_.size(), to_);
    return field;
  }

 private:
  std::string from_;
  std::string to_;
};

TEST(Probe, FailsWhenTheSignatureIsNotOfThisTextOrBody) {
  for (const auto& [from, to] : {std::pair("s=r1", "s=r2"), std::pair("bh=", "bh=A"),
                                 std::pair("relaxed/relaxed", "relaxed/simple")}) {
    const auto passed = probe(WrongSigner(from, to), rsa_identity(), noon);
    ASSERT_FALSE(passed) << from;
    EXPECT_THAT(passed.error().detail, ::testing::HasSubstr("r1._domainkey.shop-a.example"));
  }
}

TEST(Probe, FailsWhenAnotherKeySigned) {
  const auto other = Key::generate(Algorithm::ed25519_sha256);
  class OtherKey final : public Signer {
   public:
    explicit OtherKey(Key key) : key_(std::move(key)) {}
    Result<std::string> sign(std::string_view head, std::span<const std::string_view> body,
                             std::span<const Identity> identities, TimePoint at) const override {
      const Identity wrong{identities[0].domain, identities[0].selector, key_};
      return make_cached_signer()->sign(head, body, std::span(&wrong, 1), at);
    }

   private:
    Key key_;
  };
  EXPECT_FALSE(probe(OtherKey(*other), ed25519_identity(), noon));
}

}  // namespace
}  // namespace ecrelay::dkim

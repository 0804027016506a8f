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

TEST(GuardedSigner, SignsFastWhereTheFastEngineGivesTheBytesOfTheReference) {
  for (const Identity& identity : {rsa_identity(), ed25519_identity()}) {
    // As reference one that cannot sign this mail: whoever signs it all the same was the other.
    class Limited final : public Signer {
     public:
      Result<std::string> sign(std::string_view head, std::span<const std::string_view> body,
                               std::span<const Identity> identities, TimePoint at) const override {
        if (head == shop_head) return unavailable("not by the reference");
        return make_opendkim_signer()->sign(head, body, identities, at);
      }
    };
    const auto guarded = make_guarded_signer(make_cached_signer(), std::make_unique<Limited>());
    EXPECT_FALSE(guarded->uses_reference_for(identity, noon));
    EXPECT_TRUE(sign(*guarded, shop_head, shop_body, {identity}));
  }
}

TEST(GuardedSigner, SignsByTheReferenceWhereTheFastEngineDiffersAndTellsIt) {
  const auto reference = make_opendkim_signer();
  const auto guarded = make_guarded_signer(
      std::make_unique<WrongSigner>("relaxed/relaxed", "relaxed/simple"), make_opendkim_signer());
  EXPECT_TRUE(guarded->uses_reference_for(rsa_identity(), noon));
  const auto field = sign(*guarded, shop_head, shop_body, {rsa_identity()});
  ASSERT_TRUE(field);
  EXPECT_EQ(*field, *sign(*reference, shop_head, shop_body, {rsa_identity()}));
  EXPECT_TRUE(probe(*guarded, rsa_identity(), noon));
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

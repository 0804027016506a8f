#include "dkim/signer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "core/text.h"
#include "unit/dkim/fixtures.h"

namespace ecrelay::dkim {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string unfolded(std::string field) {
  std::erase_if(field, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  return field;
}

class EachEngine : public ::testing::TestWithParam<Engine> {
 protected:
  Result<std::string> signed_by(const std::vector<Identity>& identities, std::string_view head,
                                std::string_view body = shop_body) const {
    return sign(*signer_, head, body, identities);
  }
  const std::unique_ptr<Signer> signer_ = GetParam().make();
};

INSTANTIATE_TEST_SUITE_P(Dkim, EachEngine, ::testing::ValuesIn(engines),
                         [](const auto& engine) { return engine.param.name; });

TEST_P(EachEngine, SaysWhoSignedWhenAndHow) {
  const auto field = signed_by({rsa_identity()}, shop_head);
  ASSERT_TRUE(field) << field.error().detail;
  EXPECT_THAT(*field, StartsWith("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;"));
  EXPECT_THAT(unfolded(*field), HasSubstr("d=shop-a.example;s=r1;t=1700000000;bh="));
  EXPECT_THAT(unfolded(*field), Not(HasSubstr(";l=")));
}

TEST_P(EachEngine, ListsEverySignedFieldOnceMoreThanItIsThere) {
  const auto field = signed_by({rsa_identity()}, shop_head);
  ASSERT_TRUE(field);
  const std::string flat = unfolded(*field);
  const std::size_t start = flat.find(";h=") + 3;
  const auto names =
      text::split(std::string_view(flat).substr(start, flat.find(';', start) - start), ':');
  for (const std::string_view name : signed_fields()) {
    const auto times = std::count_if(names.begin(), names.end(), [&](std::string_view listed) {
      return text::iequals(listed, name);
    });
    const bool present = text::icontains(std::string("\r\n") + std::string(shop_head),
                                         "\r\n" + std::string(name) + ":");
    EXPECT_EQ(times, present ? 2 : 1) << name;
  }
  EXPECT_THAT(flat, Not(HasSubstr("eceived")));
}

TEST_P(EachEngine, FoldsItsFieldWithCrlfWithinShortLines) {
  const auto field = signed_by({rsa_identity(), ed25519_identity()}, shop_head);
  ASSERT_TRUE(field);
  ASSERT_EQ(field->substr(field->size() - 2), "\r\n");
  const auto lines = text::split(std::string_view(*field).substr(0, field->size() - 2), '\n');
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_LE(lines[i].size(), 79U);
    EXPECT_TRUE(i + 1 == lines.size() || lines[i].back() == '\r') << i;
    EXPECT_TRUE(lines[i][0] == '\t' || lines[i].starts_with("DKIM-Signature: ")) << lines[i];
  }
}

TEST_P(EachEngine, GivesOneFieldPerIdentityInTheirOrder) {
  const auto field = signed_by({ed25519_identity(), rsa_identity()}, shop_head);
  ASSERT_TRUE(field);
  const std::size_t second = field->find("DKIM-Signature:", 1);
  ASSERT_NE(second, std::string::npos);
  EXPECT_THAT(field->substr(0, second), HasSubstr("a=ed25519-sha256"));
  EXPECT_THAT(field->substr(second), HasSubstr("a=rsa-sha256"));
  EXPECT_EQ(*signed_by({}, shop_head), "");
}

TEST_P(EachEngine, DoesNotMindHowTheBodyIsCutNorTheEmptyLineAfterTheHead) {
  const auto whole = signed_by({rsa_identity()}, shop_head);
  ASSERT_TRUE(whole);
  const Identity identity = rsa_identity();
  for (std::size_t cut = 0; cut <= shop_body.size(); ++cut) {
    const std::array<std::string_view, 3> pieces = {shop_body.substr(0, cut), "",
                                                    shop_body.substr(cut)};
    const auto field = signer_->sign(shop_head, pieces, std::span(&identity, 1), noon);
    ASSERT_TRUE(field);
    ASSERT_EQ(*field, *whole) << cut;
  }
  EXPECT_EQ(*signed_by({rsa_identity()}, std::string(shop_head) + "\r\n"), *whole);
}

TEST_P(EachEngine, DoesNotReadBeyondTheEmptyLine) {
  const auto whole = signed_by({rsa_identity()}, shop_head);
  const auto longer =
      signed_by({rsa_identity()}, std::string(shop_head) + "\r\nSubject: other\r\n");
  EXPECT_EQ(*longer, *whole);
}

TEST_P(EachEngine, PassesOverUnsignedFieldsWhateverIsInThem) {
  const auto whole = signed_by({rsa_identity()}, shop_head);
  const std::string odd = "DKIM-Signature: \x01 nonsense;;=\r\nno field at all\r\nX-Long: " +
                          std::string(200'000, 'x') + "\r\n: no name\r\n";
  const auto field = signed_by({rsa_identity()}, odd + std::string(shop_head));
  ASSERT_TRUE(field) << field.error().detail;
  EXPECT_EQ(*field, *whole);
}

TEST_P(EachEngine, RefusesAHeadThatCannotBeSigned) {
  const std::string head(shop_head);
  for (const std::string& bad :
       {std::string("Subject: no from\r\n"), std::string(), "X: bare\nLF\r\n" + head,
        "X: bare\rCR\r\n" + head, head + "Cc: nul" + std::string(1, '\0') + "\r\n",
        head + "Cc: vt\v\r\n", head + "Cc: ff\f\r\n"}) {
    const auto field = signed_by({rsa_identity(), ed25519_identity()}, bad);
    ASSERT_FALSE(field);
    EXPECT_EQ(field.error().code, ErrorCode::invalid);
  }
}

TEST_P(EachEngine, RefusesMoreRepeatedFieldsThanCanBeListed) {
  std::string many(shop_head);
  for (int i = 0; i < 2000; ++i) many += "To: a@example.net\r\n";
  const auto field = signed_by({rsa_identity()}, many);
  ASSERT_FALSE(field);
  EXPECT_THAT(field.error().detail, HasSubstr("repeated"));
}

TEST_P(EachEngine, RefusesADomainThatWouldBreakTheTagList) {
  for (const std::string domain : {"", "a;l=0", "a b", "a\r\nb", "\xe3\x81\x82"}) {
    EXPECT_FALSE(signed_by({Identity{domain, "r1", rsa_key()}}, shop_head));
    EXPECT_FALSE(signed_by({Identity{"shop-a.example", domain, ed25519_key()}}, shop_head));
  }
}

TEST_P(EachEngine, SignsFromManyThreadsAtOnce) {
  const auto expected = signed_by({rsa_identity(), ed25519_identity()}, shop_head);
  ASSERT_TRUE(expected);
  std::array<int, 4> equal{};
  {
    std::vector<std::jthread> threads;
    for (int& count : equal) {
      threads.emplace_back([&] {
        for (int i = 0; i < 5; ++i) {
          const auto field = signed_by({rsa_identity(), ed25519_identity()}, shop_head);
          count += field && *field == *expected ? 1 : 0;
        }
      });
    }
  }
  EXPECT_THAT(equal, ::testing::Each(5));
}

TEST_P(EachEngine, UsesTheTimeItIsGivenThoughThreadsUseOthers) {
  std::array<int, 2> right{};
  {
    std::vector<std::jthread> threads;
    for (std::size_t which = 0; which < right.size(); ++which) {
      threads.emplace_back([&, which] {
        const Identity identity = rsa_identity();
        const TimePoint at = noon + std::chrono::hours(which);
        const std::string tag = "t=" + std::to_string(1'700'000'000 + 3600 * which) + ";";
        for (int i = 0; i < 8; ++i) {
          const auto field = signer_->sign(shop_head, {}, std::span(&identity, 1), at);
          right[which] += field && field->find(tag) != std::string::npos ? 1 : 0;
        }
      });
    }
  }
  EXPECT_THAT(right, ::testing::Each(8));
}

TEST(Engines, GiveTheSameBytes) {
  const auto reference = make_opendkim_signer();
  const auto cached = make_cached_signer();
  const std::vector<Identity> identities = {
      rsa_identity(),
      ed25519_identity(),
      {std::string(60, 'd') + ".example", std::string(60, 's'), rsa_key()}};
  for (const std::string& more : {std::string(), std::string("Cc:\r\nReply-To: \r\n \r\n"),
                                  std::string("to : a@b\r\nTO\t:c@d\r\nSender:x\r\n"),
                                  std::string("List-Unsubscribe: <") + std::string(100'000, 'u') +
                                      ">\r\nList-Id:\t \t<l>\t \r\n"}) {
    const std::string head = std::string(shop_head) + more;
    for (const std::string& body :
         {std::string(shop_body), std::string(), std::string("\r\n\r\n"),
          std::string("a\r\n\r\nb "), std::string("x"), std::string(" "),
          std::string(70'000, 'x') + " \r\n", std::string("  \t\r\n lead\r\n")}) {
      const auto expected = sign(*reference, head, body, identities);
      const auto field = sign(*cached, head, body, identities);
      ASSERT_TRUE(expected) << expected.error().detail;
      ASSERT_TRUE(field) << field.error().detail;
      EXPECT_EQ(*field, *expected) << more.substr(0, 40);
    }
  }
}

}  // namespace
}  // namespace ecrelay::dkim

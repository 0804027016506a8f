#include "dkim/key.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <gtest/gtest.h>

#include "core/base64.h"
#include "unit/dkim/fixtures.h"

namespace ecrelay::dkim {
namespace {

using OpensslKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

OpensslKey new_rsa(std::size_t bits) {
  return {EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", bits), &EVP_PKEY_free};
}

template <typename Write>
Secret pem_of(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  EXPECT_EQ(write(bio.get()), 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return Secret(std::string(text, static_cast<std::size_t>(size)));
}

Secret pkcs1(const OpensslKey& key) {
  return pem_of([&](BIO* bio) {
    return PEM_write_bio_PrivateKey_traditional(bio, key.get(), nullptr, nullptr, 0, nullptr,
                                                nullptr);
  });
}

TEST(Key, IsReadInPkcs1AndPkcs8) {
  const OpensslKey rsa = new_rsa(2048);
  const auto old_form = Key::parse(pkcs1(rsa));
  ASSERT_TRUE(old_form);
  const auto new_form = Key::parse(old_form->pem());
  ASSERT_TRUE(new_form);
  EXPECT_EQ(old_form->record(), new_form->record());
  EXPECT_EQ(old_form->bits(), 2048U);
  EXPECT_NE(new_form->pem().reveal().find("BEGIN PRIVATE KEY"), std::string::npos);
}

TEST(Key, OfRsaUnder1024BitsIsRefusedAndUnder2048IsWeak) {
  const auto tiny = Key::parse(pkcs1(new_rsa(1016)));
  ASSERT_FALSE(tiny);
  EXPECT_EQ(tiny.error().code, ErrorCode::invalid);
  EXPECT_NE(tiny.error().detail.find("1016 bits"), std::string::npos);
  const auto small = Key::parse(pkcs1(new_rsa(1024)));
  ASSERT_TRUE(small);
  EXPECT_TRUE(small->weak());
  EXPECT_FALSE(rsa_key().weak());
  EXPECT_FALSE(ed25519_key().weak());
}

TEST(Key, ThatCannotBeUsedIsRefusedWithAReason) {
  const auto reason = [](const Secret& pem) {
    const auto key = Key::parse(pem);
    return key ? std::string("accepted") : key.error().detail;
  };
  const OpensslKey rsa = new_rsa(1024);
  const Secret encrypted = pem_of([&](BIO* bio) {
    return PEM_write_bio_PKCS8PrivateKey(bio, rsa.get(), EVP_aes_128_cbc(), "secret", 6, nullptr,
                                         nullptr);
  });
  const Secret of_curve = pem_of([&](BIO* bio) {
    const OpensslKey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), &EVP_PKEY_free);
    return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  const Secret of_public = pem_of([&](BIO* bio) { return PEM_write_bio_PUBKEY(bio, rsa.get()); });
  EXPECT_NE(reason(encrypted).find("encrypted"), std::string::npos);
  EXPECT_NE(reason(of_curve).find("not an RSA or Ed25519 key"), std::string::npos);
  EXPECT_NE(reason(of_public).find("public key"), std::string::npos);
  EXPECT_NE(reason(Secret("")).find("no PEM"), std::string::npos);
  EXPECT_NE(reason(Secret("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))
                .find("no PEM"),
            std::string::npos);
}

TEST(Key, PublishesItsPublicHalf) {
  const std::string rsa_prefix = "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A";
  EXPECT_EQ(rsa_key().record().substr(0, rsa_prefix.size()), rsa_prefix);
  const std::string ed_prefix = "v=DKIM1; k=ed25519; p=";
  ASSERT_EQ(ed25519_key().record().substr(0, ed_prefix.size()), ed_prefix);
  const auto raw = base64_decode(ed25519_key().record().substr(ed_prefix.size()));
  ASSERT_TRUE(raw);
  EXPECT_EQ(raw->size(), 32U);
}

TEST(Key, OfRfc8463PublishesWhatTheRfcPrints) {
  // RFC 8463 appendix A.2: the seed, wrapped as PKCS#8, and its record.
  const auto seed = base64_decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=");
  ASSERT_TRUE(seed);
  const OpensslKey key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                   reinterpret_cast<const unsigned char*>(seed->data()), 32),
      &EVP_PKEY_free);
  const auto parsed = Key::parse(pem_of([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  }));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->record(), "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
}

TEST(TxtStrings, AreAtMost255BytesAndJoinToTheRecord) {
  const auto strings = txt_strings(rsa_key().record());
  ASSERT_EQ(strings.size(), 2U);
  EXPECT_EQ(strings[0].size(), 255U);
  EXPECT_EQ(strings[0] + strings[1], rsa_key().record());
  EXPECT_EQ(txt_strings(std::string(255, 'x')).size(), 1U);
  EXPECT_EQ(txt_strings(std::string(256, 'x')).size(), 2U);
}

TEST(Algorithm, IsReadByItsNameAndNoOther) {
  EXPECT_EQ(parse_algorithm("rsa-sha256"), Algorithm::rsa_sha256);
  EXPECT_EQ(parse_algorithm("ed25519-sha256"), Algorithm::ed25519_sha256);
  EXPECT_EQ(parse_algorithm("rsa-sha1"), std::nullopt);
}

}  // namespace
}  // namespace ecrelay::dkim

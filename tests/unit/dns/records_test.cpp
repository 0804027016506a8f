#include <gmock/gmock.h>

#include "dns/dkim_record.h"
#include "dns/dmarc.h"
#include "dns/tags.h"

namespace ecrelay::dns {
namespace {

const std::string ed25519 = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";  // RFC 8463 A.2
const std::string rsa1024 =
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/"
    "J16JYi0Qvx/"
    "byYzCNb3W91y3FutACDfzwQ/BC/e/"
    "8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+"
    "l/K4w3QIDAQAB";  // RFC 8463 A.3's test key

TEST(DkimRecord, ReadsKeysOfBothAlgorithms) {
  const auto ed = parse_dkim("v=DKIM1; k=ed25519; p=" + ed25519);
  ASSERT_TRUE(ed) << ed.error().detail;
  EXPECT_EQ(ed->algorithm, "ed25519");
  const auto rsa =
      parse_dkim("v=DKIM1;p=" + rsa1024.substr(0, 40) + " " + rsa1024.substr(40) + ";");
  ASSERT_TRUE(rsa) << rsa.error().detail;
  EXPECT_EQ(rsa->bits, 1024U);
  EXPECT_EQ(rsa->key, rsa1024);
}

TEST(DkimRecord, AnEmptyKeyIsARevokedOne) {
  const auto revoked = parse_dkim("v=DKIM1; p=");
  ASSERT_TRUE(revoked);
  EXPECT_EQ(revoked->key, "");
}

TEST(DkimRecord, HasNoEndOfTags) {
  std::string endless = "v=DKIM1";
  for (int n = 0; n < 100; ++n) endless += "; n" + std::to_string(n) + "=x";
  const auto record = parse_dkim(endless);
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().detail, "more than 100 tags");
}

TEST(DkimRecord, ReadsWhatLimitsAKey) {
  const auto record = parse_dkim("v=DKIM1; k=ed25519; t=s:y; s=sip; h=sha1; p=" + ed25519);
  ASSERT_TRUE(record);
  EXPECT_TRUE(record->testing);
  EXPECT_FALSE(record->for_mail);
  EXPECT_FALSE(record->sha256);
}

TEST(DkimRecord, SaysWhatIsWrong) {
  for (const std::string& wrong :
       std::vector<std::string>{"v=DKIM2; p=" + rsa1024, "k=rsa", "p=" + rsa1024 + "; v=DKIM1",
                                "v=DKIM1; k=dsa; p=" + rsa1024, "v=DKIM1; p=not base64",
                                "v=DKIM1; p=" + ed25519, "v=DKIM1; k=ed25519; p=" + rsa1024,
                                "v=DKIM1 k=rsa; p", "v=DKIM1; p=" + rsa1024 + "; p=" + rsa1024}) {
    EXPECT_FALSE(parse_dkim(wrong)) << wrong;
  }
}

TEST(Dmarc, NeedsAPolicyThatIsOne) {
  EXPECT_EQ(parse_dmarc("v=DMARC1; p=None; rua=mailto:x@example.jp").value(), "none");
  EXPECT_FALSE(parse_dmarc("v=DMARC1; rua=mailto:x@example.jp"));
  EXPECT_FALSE(parse_dmarc("v=DMARC1; p=block"));
  EXPECT_TRUE(is_dmarc("v=DMARC1 ; p=none"));
  EXPECT_FALSE(is_dmarc("v=spf1 -all"));
}

}  // namespace
}  // namespace ecrelay::dns

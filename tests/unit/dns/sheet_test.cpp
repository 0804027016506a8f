#include "dns/sheet.h"

#include <gmock/gmock.h>

namespace ecrelay::dns {
namespace {

using ::testing::ElementsAre;

Needs needs() {
  Needs needs;
  needs.domain = "shop.example";
  needs.keys = {{"r1", "v=DKIM1; k=rsa; p=abc"}};
  needs.dmarc = "v=DMARC1; p=none";
  needs.return_path_host = "relay-1.example.jp";
  needs.spf = {parse_spf_term("include:spf.example.jp").value()};
  return needs;
}

std::vector<std::string> lines(const Needs& needs) {
  std::vector<std::string> lines;
  for (const Wanted& each : wanted_records(needs)) {
    lines.push_back(each.name + " " + std::string(text(each.type)) + " " + each.value +
                    (each.by_operator ? " (operator)" : ""));
  }
  return lines;
}

TEST(Sheet, AShopWithoutReturnPathPublishesKeySpfAndPolicy) {
  EXPECT_THAT(lines(needs()), ElementsAre("r1._domainkey.shop.example TXT v=DKIM1; k=rsa; p=abc",
                                          "shop.example TXT v=spf1 include:spf.example.jp ~all",
                                          "_dmarc.shop.example TXT v=DMARC1; p=none"));
}

TEST(Sheet, SpfIsForTheReturnPathWhereThereIsOne) {
  Needs with = needs();
  with.return_path = "bounce.shop.example";
  EXPECT_THAT(lines(with), ElementsAre("r1._domainkey.shop.example TXT v=DKIM1; k=rsa; p=abc",
                                       "bounce.shop.example TXT v=spf1 include:spf.example.jp -all",
                                       "bounce.shop.example MX 10 relay-1.example.jp",
                                       "_dmarc.shop.example TXT v=DMARC1; p=none"));
}

TEST(Sheet, WithZonesOfTheOperatorTheShopPublishesOnlyAliases) {
  Needs with = needs();
  with.return_path = "bounce.shop.example";
  with.return_path_alias = "bounce.example.jp";
  with.dkim_zone = "dkim.example.jp";
  EXPECT_THAT(lines(with),
              ElementsAre("r1._domainkey.shop.example CNAME r1.shop.example.dkim.example.jp",
                          "r1.shop.example.dkim.example.jp TXT v=DKIM1; k=rsa; p=abc (operator)",
                          "bounce.shop.example CNAME bounce.example.jp",
                          "_dmarc.shop.example TXT v=DMARC1; p=none"));
}

}  // namespace
}  // namespace ecrelay::dns

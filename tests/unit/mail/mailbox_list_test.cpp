#include "mail/mailbox_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace ecrelay::mail {
namespace {

using testing::ElementsAre;

std::vector<std::string> addresses(std::string_view value) {
  const auto list = parse_mailbox_list(value);
  if (!list) return {"error: " + list.error().detail};
  std::vector<std::string> result;
  for (const Address& address : *list) result.push_back(address.text());
  return result;
}

TEST(MailboxList, ReadsTheFormsPeopleWrite) {
  const std::string_view one[] = {
      " a@shop.jp",
      "<a@shop.jp>",
      " Shop <a@shop.jp>",
      "\"Shop, the \\\"best\\\" <x@evil.jp>\" <a@shop.jp>",
      "J. R. Shop (sales) <a@shop.jp> (now)",
      "a@shop.jp (Shop)",
      "(Shop) a@shop.jp",
      "=?UTF-8?B?44K344On44OD44OX?=\r\n <a@shop.jp>",
      "=?ISO-2022-JP?B?GyRCJTclZyVDJVcbKEI=?= <a@shop.jp>",
      "=?UTF-8?Q?x=40evil.jp?= <a@shop.jp>",
      "ショップ【公式】 <a@shop.jp>",
      "\xA5\xB7\xA5\xE7 <a@shop.jp>",
      "\"\x83V\x83\x87\" <a@shop.jp>",
      "Shop\r\n\t<a@shop.jp>\r\n ",
      ",, a@shop.jp ,",
      "Group: a@shop.jp;",
      "A Group: Shop <a@shop.jp>, ; ",
      "a@shop.jp.",
  };
  for (const auto value : one) EXPECT_THAT(addresses(value), ElementsAre("a@shop.jp")) << value;
}

TEST(MailboxList, ReadsSeveral) {
  EXPECT_THAT(addresses("a@b.jp, \"C\" <c@d.jp>,e@f.jp"),
              ElementsAre("a@b.jp", "c@d.jp", "e@f.jp"));
  EXPECT_THAT(addresses("G: a@b.jp, c@d.jp;, H: e@f.jp;, g@h.jp"),
              ElementsAre("a@b.jp", "c@d.jp", "e@f.jp", "g@h.jp"));
  EXPECT_THAT(addresses("\"a@b\"@c.jp, a..b@docomo.ne.jp, 山田@例え.jp"),
              ElementsAre("\"a@b\"@c.jp", "a..b@docomo.ne.jp", "山田@例え.jp"));
}

TEST(MailboxList, NeverGuesses) {
  const std::string_view doubtful[] = {"",
                                       " ",
                                       ",",
                                       "Group:;",
                                       "undisclosed-recipients: ;",
                                       "Shop",
                                       "<>",
                                       "Shop <>",
                                       "a@",
                                       "@b.jp",
                                       "a@b.jp c@d.jp",
                                       "<a@b.jp> <c@d.jp>",
                                       "<a@b.jp> Shop",
                                       "a@b.jp <c@d.jp>",
                                       "shop@b.jp shop <c@d.jp>",
                                       "Shop x@b.jp",
                                       "<a@b.jp",
                                       "a@b.jp>",
                                       "<a@b.jp>>",
                                       "<<a@b.jp>>",
                                       "<@x.jp:a@b.jp>",
                                       "<@x.jp,@y.jp:a@b.jp>",
                                       "< a@b.jp>",
                                       "<a@b.jp >",
                                       "a @b.jp",
                                       "a@ b.jp",
                                       "a(c)@b.jp",
                                       "a@(c)b.jp",
                                       "a . b@c.jp",
                                       "\"a\".b@c.jp",
                                       "a@b@c.jp",
                                       "a@[192.0.2.1]",
                                       "a@b",
                                       "\"Shop <a@b.jp>",
                                       "Shop) <a@b.jp>",
                                       "(Shop <a@b.jp>",
                                       "(a\\) <a@b.jp>",
                                       "G: a@b.jp",
                                       "a@b.jp;",
                                       "G: H: a@b.jp;;",
                                       "G: a@b.jp; c@d.jp",
                                       ": a@b.jp;",
                                       "Shop: News <a@b.jp>",
                                       "a@b.jp\r\nc@d.jp",
                                       "a@b.jp\rc",
                                       "a\n@b.jp",
                                       "\x1B$B%7\x1B(B <a@b.jp>",
                                       "a@b.jp\r\n",
                                       "a;b@c.jp",
                                       "a\\b@c.jp",
                                       "[x] <a@b.jp>",
                                       "a@b.jp\xE3\x80\x80",
                                       "a@b.jp (\x01)"};
  for (const auto value : doubtful) EXPECT_FALSE(parse_mailbox_list(value)) << value;
  EXPECT_FALSE(parse_mailbox_list(std::string_view("a@b.jp\0", 7)));
}

TEST(MailboxList, CountsNestedCommentsInsteadOfDescending) {
  const std::string deep = std::string(50'000, '(') + std::string(50'000, ')');
  EXPECT_THAT(addresses(deep + " a@b.jp " + deep), ElementsAre("a@b.jp"));
  EXPECT_FALSE(parse_mailbox_list(deep + ") a@b.jp"));
  EXPECT_FALSE(parse_mailbox_list("(" + deep + " a@b.jp"));
}

TEST(MailboxList, HoldsAHundredAtMost) {
  std::string list = "a@b.jp";
  for (int i = 1; i < 100; ++i) list += ",a@b.jp";
  EXPECT_EQ(addresses(list).size(), 100U);
  EXPECT_THAT(addresses(list + ",a@b.jp"), ElementsAre("error: more than 100 addresses"));
}

TEST(MailboxList, CutAnywhereIsReadOrRefusedButNeverAnotherDomain) {
  const std::string value =
      "\"Shop (x\" <a@shop.jp>, (c (d) \\) e) G: b@shop.jp, =?UTF-8?Q?c?=\r\n <c@shop.jp>;, "
      "d@shop.jp";
  for (std::size_t cut = 0; cut <= value.size(); ++cut) {
    const auto list = parse_mailbox_list(value.substr(0, cut));
    if (!list) continue;
    for (const Address& address : *list) {
      EXPECT_TRUE(std::string_view("shop.jp").starts_with(address.domain()))
          << value.substr(0, cut);
    }
  }
}

TEST(MailboxList, SurvivesHostileValues) {
  constexpr std::string_view letters =
      "ab@.,;:<>()\"\\ \t\r\n[]=?\x80\xFF\0"
      "jp";
  std::mt19937 random(3);
  int read = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string value(random() % 30, '\0');
    for (char& c : value) c = letters[random() % letters.size()];
    if (round % 3 == 0) value += "<a@b.jp>";
    if (const auto list = parse_mailbox_list(value)) {
      ++read;
      EXPECT_FALSE(list->empty());
    }
  }
  EXPECT_GT(read, 100);
}

}  // namespace
}  // namespace ecrelay::mail

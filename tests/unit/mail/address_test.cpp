#include "mail/address.h"

#include <gtest/gtest.h>

#include <random>

#include "core/escape.h"
#include "core/text.h"

namespace ecrelay::mail {
namespace {

Address address(std::string_view text) { return parse_address(text, Utf8::allowed).value(); }
std::string key(std::string_view text) { return address(text).key(); }

/// Why the address is refused; empty when it is not.
std::string refusal(std::string_view text, Utf8 utf8 = Utf8::allowed) {
  const auto parsed = parse_address(text, utf8);
  return parsed ? "" : parsed.error().detail;
}

TEST(Address, OfTheGrammarIsTakenAsItStands) {
  for (const char* text :
       {"a@b.jp", "First.Last+tag@Sub.Example.JP", "!#$%&'*+-/=?^_`{|}~@example.jp",
        "\"two words\"@example.jp", "\"a@b\"@example.jp", "\"a\\\"b\\\\c\"@example.jp",
        "user@xn--r8jz45g.jp", "user@1.2.3.example", "user@a-b.c--d.example", "user@a_b.example",
        "user@1.jp", "user%other.example@us.example", "a!b!c@us.example", "-@b.jp"}) {
    EXPECT_EQ(refusal(text, Utf8::refused), "") << text;
    EXPECT_EQ(address(text).text(), text);
    EXPECT_TRUE(address(text).is_ascii());
  }
}

TEST(Address, SplitsAtTheAtOutsideQuotes) {
  EXPECT_EQ(address("\"a@b\"@example.jp").local(), "\"a@b\"");
  EXPECT_EQ(address("\"a@b\"@example.jp").domain(), "example.jp");
}

TEST(Address, OfJapaneseCarriersIsTakenBareAndQuoted) {
  for (const char* local : {"a..b", ".ab", "ab.", "a...b..", "a.-.b"}) {
    const std::string bare = std::string(local) + "@docomo.ne.jp";
    const std::string quoted = "\"" + std::string(local) + "\"@docomo.ne.jp";
    EXPECT_EQ(refusal(bare, Utf8::refused), "") << bare;
    EXPECT_EQ(refusal(quoted, Utf8::refused), "") << quoted;
    EXPECT_EQ(address(bare).text(), bare);
    EXPECT_EQ(address(quoted).text(), quoted);
    EXPECT_EQ(key(bare), key(quoted));
  }
  EXPECT_EQ(address("a..b@docomo.ne.jp").quoted(), "\"a..b\"@docomo.ne.jp");
  EXPECT_EQ(address("a..b@docomo.ne.jp").bare(), "a..b@docomo.ne.jp");
  EXPECT_EQ(address("\"a..b\"@docomo.ne.jp").bare(), "a..b@docomo.ne.jp");
}

TEST(Address, HasQuotesWhereTheGrammarNeedsThemAndNowhereElse) {
  EXPECT_EQ(address("\"plain\"@example.jp").quoted(), "plain@example.jp");
  EXPECT_EQ(address("\"two words\"@example.jp").bare(), "\"two words\"@example.jp");
  EXPECT_EQ(address("\"\\a\\\\\\\"\"@example.jp").quoted(), "\"a\\\\\\\"\"@example.jp");
}

TEST(Address, RefusesWhatIsNoMailbox) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"", "address is empty"},
      {"a", "address has no @"},
      {"a@", "address has no domain"},
      {"a@.", "address has no domain"},
      {"@b.jp", "address has no local part"},
      {"\"\"@b.jp", "address has no local part"},
      {"a@b@c.jp", "address has two @"},
      {"\"a@b\"@c@d.jp", "address has two @"},
      {"a b@c.jp", "address holds a space"},
      {" a@c.jp", "address holds a space"},
      {"a@c.jp ", "address holds a space"},
      {"a@c .jp", "address holds a space"},
      {"a\u3000b@c.jp", "address holds a space"},
      {"a\tb@c.jp", "address holds a control character"},
      {"a@c.jp\r\nRCPT TO:<x@y.jp>", "address holds a control character"},
      {"\"a\rb\"@c.jp", "address holds a control character"},
      {"a\x7f@c.jp", "address holds a control character"},
      {"a\u0085@c.jp", "address holds an invisible or format character"},
      {"a\u202Eb@c.jp", "address holds an invisible or format character"},
      {"a@c\u200B.jp", "address holds an invisible or format character"},
      {"a\xff@c.jp", "address is not valid UTF-8"},
      {"\"a", "address has an open quote"},
      {"\"a\\", "address ends in a backslash"},
      {"a\\@c.jp", "address has a backslash outside quotes"},
      {"\"a\\é\"@c.jp", "address has a backslash before a character that is not ASCII"},
      {"\"a\"b@c.jp", "local part goes on behind its quotes"},
      {"\"a\".\"b\"@c.jp", "local part goes on behind its quotes"},
      {"\"a\"", "local part goes on behind its quotes"},
      {"a\"b@c.jp", "local part holds a character that must be quoted"},
      {"a<b@c.jp", "local part holds a character that must be quoted"},
      {"<a@c.jp>", "local part holds a character that must be quoted"},
      {"a,b@c.jp", "local part holds a character that must be quoted"},
      {"@x.jp,@y.jp:a@c.jp", "address has no local part"},
      {"a(b)@c.jp", "local part holds a character that must be quoted"},
      {"a@b..jp", "domain has an empty label"},
      {"a@.b.jp", "domain has an empty label"},
      {"a@b.jp..", "domain has an empty label"},
      {"a@-b.jp", "domain has a label with a hyphen at its end"},
      {"a@b-.jp", "domain has a label with a hyphen at its end"},
      {"a@b!c.jp", "domain holds a character that no domain can have"},
      {"a@b,c.jp", "domain holds a character that no domain can have"},
      {"a@\"b\".jp", "domain holds a character that no domain can have"},
      {"a@b/c.jp", "domain holds a character that no domain can have"},
      {"a@\u2100.jp", "domain holds a character that no domain can have"},  // folds to "a/c"
      {"a@\u2488.jp", "domain is no internationalized domain name"},        // a digit with its dot
  };
  for (const auto& [text, reason] : table) EXPECT_EQ(refusal(text), reason) << text;
  EXPECT_EQ(refusal(std::string_view("a\0@c.jp", 7)), "address holds a control character");
}

TEST(Address, RefusesPlacesThatPublicMailCannotGoTo) {
  for (const char* text :
       {"root@localhost", "a@jp", "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]", "a@[x-tag:anything]",
        "a@192.0.2.1", "a@example.1", "a@jp.", "a@example.99999999999999999999999"}) {
    const auto parsed = parse_address(text, Utf8::allowed);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::refused) << text;
  }
  EXPECT_EQ(parse_address("a b@c.jp", Utf8::allowed).error().code, ErrorCode::invalid);
}

TEST(Address, KeepsTheLimitsToTheOctet) {
  const auto letters = [](std::size_t count) { return std::string(count, 'x'); };
  EXPECT_EQ(refusal(letters(64) + "@example.jp"), "");
  EXPECT_EQ(refusal(letters(65) + "@example.jp"), "local part is longer than 64 octets");
  EXPECT_EQ(refusal("\"" + letters(62) + "\"@example.jp"), "");
  EXPECT_EQ(refusal("\"" + letters(63) + "\"@example.jp"), "local part is longer than 64 octets");
  EXPECT_EQ(refusal("a@" + letters(63) + ".jp"), "");
  EXPECT_EQ(refusal("a@" + letters(64) + ".jp"), "domain has a label longer than 63 octets");
  const std::string labels = letters(63) + "." + letters(63) + "." + letters(63) + ".";
  EXPECT_EQ(refusal("a@" + labels + letters(60)), "");  // 254
  EXPECT_EQ(refusal("a@" + labels + letters(60) + "."), "");
  EXPECT_EQ(refusal("a@" + labels + letters(61)), "address is longer than 254 octets");
  EXPECT_EQ(refusal(letters(300)), "address is longer than 254 octets");
  EXPECT_EQ(refusal(letters(100'000)), "address is longer than 254 octets");
}

TEST(Address, CountsAnInternationalDomainAsItsALabels) {
  std::string label;
  for (int i = 0; i < 40; ++i) label += "\u00FC";  // 80 octets, but 40 letters in a row code short
  EXPECT_EQ(refusal("a@" + label + ".jp"), "");
  std::string varied;
  for (char32_t c = 0; c < 30; ++c) {
    varied += "\xE4";
    varied += static_cast<char>(0xB8 + c % 7);
    varied += static_cast<char>(0x80 + c * 2);
  }
  EXPECT_NE(refusal("a@" + varied + ".jp"), "");
}

TEST(Address, InUtf8NeedsSmtputf8) {
  for (const char* text : {"山田@example.jp", "a@日本.jp", "\"山 田\"@example.jp"}) {
    EXPECT_EQ(refusal(text), "") << text;
    EXPECT_FALSE(address(text).is_ascii());
    EXPECT_EQ(refusal(text, Utf8::refused), "address is not ASCII and SMTPUTF8 was not asked for");
  }
}

TEST(AddressKey, IsOneForAllSpellings) {
  const std::string one = "user.name@example.jp";
  for (const char* text : {"user.name@example.jp", "USER.Name@EXAMPLE.jp", "user.name@example.jp.",
                           "\"user.name\"@example.jp", "\"u\\ser.n\\ame\"@Example.JP"}) {
    EXPECT_EQ(key(text), one) << text;
  }
  EXPECT_EQ(key("\"a b\"@example.jp"), "\"a b\"@example.jp");
  EXPECT_EQ(key("\"a\\ b\"@example.jp"), "\"a b\"@example.jp");
}

TEST(AddressKey, KeepsDifferentMailboxesApart) {
  EXPECT_NE(key("a.b@docomo.ne.jp"), key("a..b@docomo.ne.jp"));
  EXPECT_NE(key("ab@docomo.ne.jp"), key("ab.@docomo.ne.jp"));
  EXPECT_NE(key("a+b@example.jp"), key("a@example.jp"));
  EXPECT_NE(key("Ä@example.jp"), key("ä@example.jp"));  // ASCII letters only
  EXPECT_NE(key("\"a@b\"@example.jp"), key("a@b.example.jp"));
}

TEST(AddressKey, ReadsAsAnAddressWhoseKeyItIs) {
  for (const char* text : {"A..B@DOCOMO.NE.JP", "\"x@Y \\\"\"@例え.JP", "山田@ＥＸＡＭＰＬＥ.jp",
                           "\"a\\\\b\"@example.jp"}) {
    EXPECT_EQ(key(key(text)), key(text));
  }
}

TEST(DomainKey, IsTheALabelInLowerCaseWithoutTheLastDot) {
  EXPECT_EQ(domain_key("Example.JP."), "example.jp");
  EXPECT_EQ(domain_key("例え.テスト"), "xn--r8jz45g.xn--zckzah");
  EXPECT_EQ(domain_key("XN--R8JZ45G.xn--zckzah"), "xn--r8jz45g.xn--zckzah");
  EXPECT_EQ(domain_key("例え。テスト。"), "xn--r8jz45g.xn--zckzah");
  EXPECT_EQ(domain_key("ＳＨＯＰ.example"), "shop.example");
  EXPECT_EQ(domain_key("straße.example"), "xn--strae-oqa.example");  // non-transitional
  EXPECT_EQ(domain_key("BÜCHER.example"), domain_key("bu\u0308cher.example"));
  EXPECT_EQ(domain_key(""), "");
}

TEST(DomainKey, KeepsLookAlikesApart) {
  EXPECT_NE(domain_key("shоp.example"), "shop.example");  // Cyrillic о
  EXPECT_NE(domain_key("shoρ.example"), "shop.example");  // Greek ρ
  EXPECT_NE(domain_key("sh0p.example"), "shop.example");
}

TEST(DomainKey, GivesBackInLowerCaseWhatIsNoDomain) {
  EXPECT_EQ(domain_key("[IPv6:2001:DB8::1]"), "[ipv6:2001:db8::1]");
  EXPECT_EQ(domain_key("A\xFF"), "a\xFF");
  EXPECT_EQ(domain_key(std::string("É\0", 3)), std::string("É\0", 3));
  const std::string endless = std::string(100'000, 'A') + "é";
  EXPECT_EQ(domain_key(endless), text::lowered(endless));
}

TEST(Address, WhateverComesInNothingDangerousIsTaken) {
  constexpr std::string_view letters =
      "a.@\"\\ <>()\r\n\t!%\xE3\x81\x82\xC2\x85[]-,:;\0"
      "9z";
  std::mt19937 random(1);
  int taken = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string text(random() % 12, '\0');
    for (char& c : text) c = letters[random() % letters.size()];
    if (round % 2 == 0) text += "@b.jp";
    const auto parsed = parse_address(text, Utf8::allowed);
    if (!parsed) continue;
    ++taken;
    for (const std::string& form : {parsed->text(), parsed->quoted(), parsed->bare()}) {
      EXPECT_EQ(printable(form).find("\\x"), std::string::npos);
      EXPECT_EQ(address(form).key(), parsed->key()) << form;
    }
    EXPECT_EQ(key(parsed->key()), parsed->key());
  }
  EXPECT_GT(taken, 300);
}

}  // namespace
}  // namespace ecrelay::mail

#include "mail/encoded_word.h"

#include <gtest/gtest.h>

#include <random>

#include "core/base64.h"
#include "core/text.h"
#include "mail/charset.h"

namespace ecrelay::mail {
namespace {

TEST(EncodedWords, AreReadInBothEncodings) {
  EXPECT_EQ(decode_encoded_words("=?UTF-8?B?44GU5rOo5paH?="), "ご注文");
  EXPECT_EQ(decode_encoded_words("=?utf-8?q?=E3=81=82_=3D?="), "あ =");
  EXPECT_EQ(decode_encoded_words("Re: =?UTF-8*ja?Q?=E3=81=82?= (12)"), "Re: あ (12)");
  EXPECT_EQ(decode_encoded_words("=?UTF-8?B?44GC?"), "=?UTF-8?B?44GC?");
  EXPECT_EQ(decode_encoded_words("=?UTF-8?B?44GC44GE?= "), "あい ");
  EXPECT_EQ(decode_encoded_words("=?UTF-8?B?4Q?="), "\uFFFD");  // padding left off
}

TEST(EncodedWords, CloseUpWhenTheyAreNeighbours) {
  EXPECT_EQ(decode_encoded_words("=?UTF-8?Q?a?= =?UTF-8?Q?b?="), "ab");
  EXPECT_EQ(decode_encoded_words("=?UTF-8?Q?a?=\t  =?ISO-8859-1?Q?=E9?="), "aé");
  EXPECT_EQ(decode_encoded_words("=?UTF-8?Q?a?= b =?UTF-8?Q?c?="), "a b c");
  EXPECT_EQ(decode_encoded_words("a  =?UTF-8?Q?b?=  c"), "a  b  c");
}

TEST(EncodedWords, HealCharactersCutInTwo) {
  EXPECT_EQ(decode_encoded_words("=?UTF-8?Q?=E3=81?= =?UTF-8?Q?=82?="), "あ");
  EXPECT_EQ(decode_encoded_words("=?Shift_JIS?B?g3U=?= =?SHIFT_JIS?B?g3M=?="), "ブピ");
}

/// A Subject as Japanese mailers of the 1990s wrote it.
std::string jis(std::string_view bytes) {
  return decode_encoded_words("=?ISO-2022-JP?B?" + base64_encode(bytes) + "?=");
}

TEST(EncodedWords, ReadIso2022JpWithWhatVendorsPutIntoIt) {
  EXPECT_EQ(jis("\x1B$B$4CmJ8\x1B(B No.1"), "ご注文 No.1");
  EXPECT_EQ(jis("\x1B$@$4CmJ8\x1B(J"), "ご注文");
  EXPECT_EQ(jis("\x1B(I1!\x1B(B"), "ｱ｡");  // half-width kana
  EXPECT_EQ(jis("\x0E"
                "1!\x0F"
                "a"),
            "ｱ｡a");                            // the same by SO and SI
  EXPECT_EQ(jis("\xB1\xA1"), "ｱ｡");            // the same with the eighth bit
  EXPECT_EQ(jis("\x1B$B-!-j\x1B(B"), "①㈱");   // NEC row 13
  EXPECT_EQ(jis("\x1B$B|b\x1B(B"), "髙");      // NEC selected IBM, row 92
  EXPECT_EQ(jis("\x1B$By!t&\x1B(B"), "纊熙");  // first of row 89, last of JIS X 0208
  EXPECT_EQ(jis("\x1B$(D0!\x1B(B"
                "a"),
            "\uFFFD\uFFFD"
            "a");  // JIS X 0212 is not read
  EXPECT_EQ(jis("\x1B$B$"), "$");
}

TEST(EncodedWords, ReadTheOtherCharsetsOfMail) {
  EXPECT_EQ(decode_encoded_words("=?Shift_JIS?B?h0CIn7HA?="), "①亜ｱﾀ");
  EXPECT_EQ(decode_encoded_words("=?EUC-JP?B?pKKtoY6x?="), "あ①ｱ");
  EXPECT_EQ(decode_encoded_words("=?koi8-r?Q?=F0=D2=C9?="), "При");
  EXPECT_EQ(decode_encoded_words("=?GB2312?B?xOO6?= =?GB2312?B?ww==?="), "你好");
  EXPECT_EQ(decode_encoded_words("=?windows-1252?Q?=80?="), "€");
  EXPECT_EQ(decode_encoded_words("=?us-ascii?Q?a=E9b?="), "a\uFFFDb");
}

TEST(EncodedWords, StayVisibleWhenTheyCannotBeRead) {
  for (const std::string text :
       {"=?x-unknown?B?44GC?=", "=?UTF-8?B?!!!?=", "=?UTF-8?X?a?=", "=?UTF-8?Q?a b?=", "=??Q?a?=",
        "=?UTF-8?Q?a", "=?", "=?=?=?=", "=?UTF-8//TRANSLIT?Q?a?=", "=?../../x?Q?a?=",
        "=?UTF-7?Q?+AGE-?=", "=?UTF-8?B?YQ?= =?x?Q?b?=", "100%=?"}) {
    if (text.starts_with("=?UTF-8?B?YQ")) {
      EXPECT_EQ(decode_encoded_words(text), "a =?x?Q?b?=");
    } else {
      EXPECT_EQ(decode_encoded_words(text), text);
    }
  }
  EXPECT_EQ(decode_encoded_words("=?UTF-8?Q?a=FFb=C3?="), "a\uFFFDb\uFFFD");
  EXPECT_EQ(decode_encoded_words("=?UTF-8?Q?=?= =?UTF-8?Q?=4?= =?UTF-8?Q?=GG?="), "==4=GG");
}

TEST(EncodedWords, LeaveRawBytesAlone) {
  EXPECT_EQ(decode_encoded_words("生のUTF-8 \xFF"), "生のUTF-8 \xFF");
}

TEST(EncodedWords, AreCutBetweenCharactersAtTheLimit) {
  EXPECT_EQ(decode_encoded_words("=?UTF-8?B?44GC44GE44GG?=", 7), "あい");
  EXPECT_EQ(decode_encoded_words("abc", 2), "ab");
  EXPECT_EQ(decode_encoded_words("あ", 2), "");
}

TEST(EncodedWords, InTwentyThousandsAreReadToTheLimit) {
  std::string subject;
  for (int i = 0; i < 20'000; ++i) subject += i % 2 == 0 ? "=?UTF-8?Q?a?= " : "=?EUC-JP?B?pKI=?= ";
  EXPECT_EQ(decode_encoded_words(subject).size(), 4096U);
  EXPECT_EQ(decode_encoded_words(subject, subject.size()).size(), 40'001U);
}

TEST(EncodedWords, OfAnyCharsetAndBytesComeOutAsUtf8) {
  std::mt19937 random(5);
  for (const char* charset :
       {"utf-8",       "us-ascii",     "iso-2022-jp",    "shift_jis",    "euc-jp",
        "iso-8859-1",  "iso-8859-2",   "iso-8859-5",     "iso-8859-7",   "iso-8859-9",
        "iso-8859-15", "windows-1250", "windows-1251",   "windows-1254", "windows-1257",
        "koi8-r",      "koi8-u",       "gb2312",         "gbk",          "gb18030",
        "big5",        "euc-kr",       "ks_c_5601-1987", "tis-620",      "cp50220",
        "sjis"}) {
    ASSERT_TRUE(is_known_charset(charset)) << charset;
    EXPECT_EQ(to_utf8(charset, "plain"), "plain") << charset;
    for (int round = 0; round < 200; ++round) {
      std::string bytes(random() % 50, '\0');
      for (char& c : bytes) c = static_cast<char>(static_cast<unsigned char>(random() & 0xFFU));
      if (round % 3 == 0) bytes.insert(0, "\x1B$B");
      EXPECT_TRUE(text::is_utf8(to_utf8(charset, bytes))) << charset;
    }
  }
  EXPECT_EQ(to_utf8("x-unknown", "a\xE9"), "a\uFFFD");
}

}  // namespace
}  // namespace ecrelay::mail

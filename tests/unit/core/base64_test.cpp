#include "core/base64.h"

#include <gtest/gtest.h>

namespace ecrelay {
namespace {

TEST(Base64, GivesTheTextsOfTheStandard) {  // RFC 4648 section 10
  EXPECT_EQ(base64_encode(""), "");
  EXPECT_EQ(base64_encode("f"), "Zg==");
  EXPECT_EQ(base64_encode("fo"), "Zm8=");
  EXPECT_EQ(base64_encode("foo"), "Zm9v");
  EXPECT_EQ(base64_encode("foob"), "Zm9vYg==");
  EXPECT_EQ(base64_encode("fooba"), "Zm9vYmE=");
  EXPECT_EQ(base64_encode("foobar"), "Zm9vYmFy");
}

TEST(Base64, BringsBackEveryByteAtEveryLength) {
  std::string bytes;
  for (int i = 0; i < 600; ++i) {
    EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
    bytes += static_cast<char>(static_cast<unsigned char>(i * 7 + i / 256));
  }
}

TEST(Base64, ReadsAuthPlainWithItsNulBytes) {
  const std::string plain("\0user\0secret", 12);
  EXPECT_EQ(base64_decode("AHVzZXIAc2VjcmV0"), plain);
}

TEST(Base64, RefusesWhateverIsNotTheOneTextOfSomeBytes) {
  for (const char* text :
       {"Zg", "Zg=", "Z===", "====", "=", "Zg==Zg==", "Zg=a", "Zm9v ", " Zm9v", "Zm9v\r\n",
        "Zm9v\n", "Zm-v", "Zm_v", "Zh==", "Zm9=", "Z\x80==", "A", "AAAA=", "Zg==="}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
  EXPECT_FALSE(base64_decode(std::string("Zm9\0", 4)));
}

}  // namespace
}  // namespace ecrelay

#include "intake/logins.h"

#include <crypt.h>
#include <gtest/gtest.h>

namespace ecrelay::intake {
namespace {

Secret hash_of(const char* password, const char* setting) {
  crypt_data scratch{};
  return Secret(crypt_r(password, setting, &scratch));
}

TEST(Logins, APasswordFitsItsHashAndNoOther) {
  // SHA-512 with few rounds: the method is crypt(3)'s affair, the comparison is ours.
  const Secret hash = hash_of("himitsu", "$6$rounds=1000$abcdefgh$");
  EXPECT_TRUE(matches(Secret("himitsu"), hash));
  EXPECT_FALSE(matches(Secret("himitsu "), hash));
  EXPECT_FALSE(matches(Secret(""), hash));
}

TEST(Logins, AHashThatCryptDoesNotKnowFitsNothing) {
  for (const char* hash : {"", "*0", "*1", "himitsu", "$nonsense$x"}) {
    EXPECT_FALSE(matches(Secret("himitsu"), Secret(hash))) << hash;
    EXPECT_FALSE(matches(Secret(""), Secret(hash))) << hash;
  }
}

}  // namespace
}  // namespace ecrelay::intake

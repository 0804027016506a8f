#include "core/secret.h"

#include <gtest/gtest.h>

#include <optional>
#include <string_view>
#include <type_traits>

namespace ecrelay {
namespace {

static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<std::string, Secret>);

TEST(Secret, IsReadOnlyByItsName) { EXPECT_EQ(Secret("hunter2").reveal(), "hunter2"); }

TEST(Secret, MovedAwayLeavesNothing) {
  Secret from("a secret that is longer than any small buffer");
  const Secret to = std::move(from);
  EXPECT_TRUE(from.empty());
  EXPECT_EQ(to.reveal(), "a secret that is longer than any small buffer");
}

/// Bytes of `object`, whatever they mean.
std::string_view bytes_of(const Secret& object) {
  return {reinterpret_cast<const char*>(&object), sizeof object};
}

TEST(Secret, ShortOneIsWipedFromTheObjectItMovedOutOf) {
  Secret from("hunter2");
  ASSERT_NE(bytes_of(from).find("hunter2"), std::string_view::npos);
  const Secret to = std::move(from);
  EXPECT_EQ(bytes_of(from).find("unter"), std::string_view::npos);
}

TEST(Secret, AssignedOverDoesNotKeepTheOldOne) {
  Secret secret("first");
  secret = Secret("second");
  EXPECT_EQ(secret.reveal(), "second");
  const Secret copy = secret;
  EXPECT_EQ(copy.reveal(), secret.reveal());
}

}  // namespace
}  // namespace ecrelay

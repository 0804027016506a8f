#include "dkim/canonical.h"

#include <gtest/gtest.h>

#include "core/base64.h"

namespace ecrelay::dkim {
namespace {

std::string digest_of(std::string_view text) {
  Digest digest;
  digest.add(text);
  return digest.finish();
}

std::string hash_of(std::string_view body) {
  BodyHash hash;
  hash.add(body);
  return hash.finish();
}

TEST(RelaxedField, IsTheExampleOfRfc6376) {
  EXPECT_EQ(relaxed_field("A", " X"), "a:X");
  EXPECT_EQ(relaxed_field("B", " Y\t\r\n\tZ  "), "b:Y Z");
}

TEST(RelaxedField, KeepsAnEmptyValueAndBytesAboveAscii) {
  EXPECT_EQ(relaxed_field("Subject", ""), "subject:");
  EXPECT_EQ(relaxed_field("Subject", " \r\n "), "subject:");
  EXPECT_EQ(relaxed_field("Subject", " \xe3\x81\x94\x20\x20\xff"), "subject:\xe3\x81\x94 \xff");
}

TEST(BodyHash, IsTheExampleOfRfc6376) {
  EXPECT_EQ(hash_of(" C \r\nD \t E\r\n\r\n\r\n"), digest_of(" C\r\nD E\r\n"));
}

TEST(BodyHash, OfNothingAndOfEmptyLinesIsTheHashOfNothing) {
  // RFC 6376 3.4.4: "47DEQpj8…" is the SHA-256 of the empty string.
  const std::string empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
  EXPECT_EQ(base64_encode(hash_of("")), empty);
  EXPECT_EQ(base64_encode(hash_of("\r\n\r\n \t\r\n  ")), empty);
}

TEST(BodyHash, AddsTheMissingLineEnd) { EXPECT_EQ(hash_of("a \r\nb\t"), digest_of("a\r\nb\r\n")); }

TEST(BodyHash, DoesNotDependOnWhereTheBodyIsCut) {
  const std::string body = "\r\n a\r\n\r\n \r\nb \t c\rd \r\r\n\r\n.\r\n \r\n\r\n";
  const std::string whole = hash_of(body);
  for (std::size_t first = 0; first <= body.size(); ++first) {
    for (std::size_t second = first; second <= body.size(); ++second) {
      BodyHash hash;
      hash.add(std::string_view(body).substr(0, first));
      hash.add(std::string_view(body).substr(first, second - first));
      hash.add(std::string_view(body).substr(second));
      EXPECT_EQ(hash.finish(), whole) << first << ", " << second;
    }
  }
}

TEST(BodyHash, OfALineOfAMegabyteIsTheHashOfThatLine) {
  const std::string line(1 << 20, 'x');
  EXPECT_EQ(hash_of(line), digest_of(line + "\r\n"));
}

}  // namespace
}  // namespace ecrelay::dkim

#include "records/spool_record.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace ecrelay::records {
namespace {

Ulid some_id(std::uint8_t last) {
  return Ulid(TimePoint(Duration(1'763'878'000'000)), {1, 2, 3, 4, 5, 6, 7, 8, 9, last});
}

std::string record_of(const Ulid& id, const std::string& head, const std::string& body) {
  const auto preamble = spool_preamble(id, head, body);
  return std::string(preamble->begin(), preamble->end()) + head + body;
}

std::string bytes_from(int first, int step) {
  std::string bytes(32, '\0');
  for (int i = 0; i < 32; ++i)
    bytes[static_cast<std::size_t>(i)] = static_cast<char>(first + step * i);
  return bytes;
}

TEST(Crc32c, IsTheOneOfRfc3720) {  // RFC 3720 B.4; the bytes there are shown in memory order
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(crc32c(bytes_from(0, 1)), 0x46dd794eu);
  EXPECT_EQ(crc32c(bytes_from(31, -1)), 0x113fdb5cu);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
}

TEST(Crc32c, OfPartsIsTheCrcOfTheWhole) {
  const std::string text = "the quick brown fox jumps over the lazy dog";
  for (std::size_t cut = 0; cut <= text.size(); ++cut)
    EXPECT_EQ(crc32c(text.substr(cut), crc32c(text.substr(0, cut))), crc32c(text)) << cut;
}

TEST(SpoolRecord, ComesBackAsItWasWritten) {
  for (const auto& [head, body] : {std::pair<std::string, std::string>{"", ""},
                                   {"Received: x\r\n", "Subject: y\r\n\r\nbody\r\n"},
                                   {"", std::string(100'000, '\xff')},
                                   {std::string("\0\r\n", 3), std::string("\0", 1)}}) {
    const auto read = read_spool_record(some_id(1), record_of(some_id(1), head, body));
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read->head, head);
    EXPECT_EQ(read->body, body);
  }
}

TEST(SpoolRecord, WithAnyBitFlippedIsAnError) {
  const std::string whole = record_of(some_id(1), "Received: x\r\n", "Subject: y\r\n\r\nbody\r\n");
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(read_spool_record(some_id(1), damaged)) << "bit " << bit;
  }
}

TEST(SpoolRecord, TornAtAnyByteOrWithBytesBehindItIsAnError) {
  const std::string whole = record_of(some_id(1), "Received: x\r\n", "body\r\n");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(read_spool_record(some_id(1), whole.substr(0, length))) << length;
    // The end of a file that grew before its bytes arrived.
    std::string zeroed = whole.substr(0, length) + std::string(whole.size() - length, '\0');
    EXPECT_FALSE(read_spool_record(some_id(1), zeroed)) << length;
  }
  EXPECT_FALSE(read_spool_record(some_id(1), whole + "x"));
}

TEST(SpoolRecord, OfAnotherMessageIsAnError) {
  EXPECT_FALSE(read_spool_record(some_id(2), record_of(some_id(1), "", "body")));
}

TEST(SpoolRecord, IsRefusedBeyondItsLimits) {
  EXPECT_FALSE(spool_preamble(some_id(1), std::string(max_spool_head + 1, 'x'), ""));
}

}  // namespace
}  // namespace ecrelay::records

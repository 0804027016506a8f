#include "finance/statement.h"

#include <gtest/gtest.h>

namespace ecrelay::finance {
namespace {

TEST(Statement, IsReadWithAndWithoutHeadingsInTheFormsThatUpstreamsWrite) {
  const Statement expected{{"2026-11-01", 1200}, {"2026-11-02", 7}};
  for (const std::string csv :
       {"2026-11-01,1200\n2026-11-02,7\n", "date,count\r\n2026/11/01,1200\r\n20261102,7\r\n",
        "\xef\xbb\xbf\"日付\",\"件数\"\r\n\"2026-11-01\",\"1,200\"\r\n\"2026-11-02\",\"7\"",
        "account,sent,date\nx,1000,2026-11-01\nx,200,2026-11-01\n\nx,7,2026-11-02\n"}) {
    const auto read = parse_statement(csv);
    ASSERT_TRUE(read) << csv << ": " << read.error().detail;
    EXPECT_EQ(*read, expected) << csv;
  }
}

TEST(Statement, ThatCannotBeReadIsToldWithItsLine) {
  for (const auto& [csv, words] : std::initializer_list<std::pair<std::string, std::string>>{
           {"date,count\n2026-11-01,many\n", "line 2"},
           {"2026-11-01,1\n2026-13-01,1\n", "line 2"},
           {"2026-11-01\n", "line 1"},
           {"2026-11-01,-5\n", "line 1"},
           {"2026-11-01,99999999999999999999\n", "line 1"},
           {"date,count\n", "no line"},
           {"", "no line"}}) {
    const auto read = parse_statement(csv);
    ASSERT_FALSE(read) << csv;
    EXPECT_NE(read.error().detail.find(words), std::string::npos) << read.error().detail;
  }
}

}  // namespace
}  // namespace ecrelay::finance

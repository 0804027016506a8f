#include <gmock/gmock.h>

#include <map>

#include "dns/spf.h"
#include "dns/spf_count.h"

namespace ecrelay::dns {
namespace {

using ::testing::HasSubstr;

std::vector<SpfTerm> terms(const std::string& record) {
  return parse_spf("v=spf1 " + record).value();
}

TEST(Spf, ReadsEveryKindOfTerm) {
  const std::string all =
      "a a/24 a:x.example/24//64 mx ptr ip4:192.0.2.0/24 ip6:2001:db8::/32 "
      "include:_spf.example.net "
      "exists:%{i}.x.example exp=why.example unknown=anything -all";
  const auto read = parse_spf("v=spf1  " + all);
  ASSERT_TRUE(read) << read.error().detail;
  std::string again;
  for (const SpfTerm& term : *read) again += (again.empty() ? "" : " ") + term.text();
  EXPECT_EQ(again, all);
}

TEST(Spf, NamesTheTermThatIsWrong) {
  for (const char* wrong :
       {"inclde:x.example", "ip4:192.0.2.300", "ip4:2001:db8::1", "ip6:192.0.2.1",
        "include:", "include:localhost", "all:x", "-redirect=x.example", "v=spf1"}) {
    const auto read = parse_spf(std::string("v=spf1 ") + wrong + " -all");
    if (std::string_view(wrong) == "v=spf1") {
      EXPECT_TRUE(read);  // an unknown modifier, which receivers pass over
      continue;
    }
    ASSERT_FALSE(read) << wrong;
    EXPECT_THAT(read.error().detail, HasSubstr(wrong));
  }
  EXPECT_FALSE(is_spf("v=spf10 -all"));
}

TEST(Spf, MergingKeepsWhatOthersSendAndPutsOursBeforeTheEnd) {
  const auto ours = terms("include:spf.relay.example");
  EXPECT_EQ(merged_spf({"v=spf1 mx include:_spf.google.com ~all"}, ours, "-all"),
            "v=spf1 mx include:_spf.google.com include:spf.relay.example ~all");
  EXPECT_EQ(merged_spf({}, ours, "~all"), "v=spf1 include:spf.relay.example ~all");
  EXPECT_EQ(merged_spf({"v=spf1 include:spf.relay.example redirect=x.example"}, ours, "~all"),
            "v=spf1 include:spf.relay.example redirect=x.example");
}

TEST(Spf, AnUnknownModifierIsNoMechanismOfThatName) {
  const auto read = parse_spf("v=spf1 all=x a=y x= -all");
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_FALSE((*read)[0].ends_record());
  EXPECT_EQ((*read)[2].text(), "x=");
  EXPECT_EQ(SpfCount("v=spf1 a=y include=z -all").lookups(), 0U);
}

TEST(Spf, MergingMakesOneRecordOfSeveral) {
  EXPECT_EQ(merged_spf({"v=spf1 mx a -all", "v=spf1 a include:x.example ~all"},
                       terms("ip4:192.0.2.1"), "~all"),
            "v=spf1 mx a include:x.example ip4:192.0.2.1 -all");
}

/// Counts with these published records.
SpfCount counted(const std::string& record,
                 const std::map<std::string, std::vector<std::string>>& published) {
  SpfCount count(record);
  int questions = 0;
  while (const auto name = count.next()) {
    EXPECT_LE(++questions, 20);
    Reply reply;
    const auto found = published.find(*name);
    reply.standing = found == published.end() ? Standing::no_name : Standing::found;
    if (found != published.end()) reply.values = found->second;
    count.give(reply);
  }
  return count;
}

TEST(SpfCount, CountsWhatIncludedRecordsAskToo) {
  const SpfCount count = counted("v=spf1 mx ip4:192.0.2.1 include:a.example -all",
                                 {{"a.example", {"v=spf1 a include:b.example ~all"}},
                                  {"b.example", {"v=spf1 ip4:192.0.2.2 -all"}}});
  EXPECT_EQ(count.lookups(), 4U);
  EXPECT_TRUE(count.faults().empty());
}

TEST(SpfCount, RecordsThatIncludeEachOtherEndInTooMany) {
  EXPECT_GT(
      counted("v=spf1 include:a.example -all", {{"a.example", {"v=spf1 include:b.example -all"}},
                                                {"b.example", {"v=spf1 include:a.example -all"}}})
          .lookups(),
      most_lookups);
}

TEST(SpfCount, AnIncludeOfNothingIsAFaultAndSilenceIsNot) {
  EXPECT_THAT(counted("v=spf1 include:gone.example -all", {}).faults(),
              ::testing::ElementsAre(HasSubstr("no SPF record")));
  SpfCount count("v=spf1 include:a.example -all");
  count.give(silent("no answer in time"));
  EXPECT_TRUE(count.faults().empty());
  EXPECT_FALSE(count.complete());
}

}  // namespace
}  // namespace ecrelay::dns

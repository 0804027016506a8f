#include "dns/judge.h"

#include <gmock/gmock.h>

namespace ecrelay::dns {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

const std::string key = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const std::string other_key = "v=DKIM1; k=ed25519; p=" + std::string(43, 'A') + "=";

Wanted wanted_key() {
  Wanted wanted;
  wanted.name = "r1._domainkey.shop.example";
  wanted.value = wanted.key = key;
  return wanted;
}

Wanted wanted_spf() {
  Wanted wanted;
  wanted.purpose = Purpose::spf;
  wanted.name = "shop.example";
  wanted.value = "v=spf1 include:spf.example.jp ~all";
  wanted.spf = {parse_spf_term("include:spf.example.jp").value()};
  return wanted;
}

Reply having(std::vector<std::string> values) {
  Reply reply;
  reply.standing = Standing::found;
  reply.values = std::move(values);
  return reply;
}
Reply nothing() {
  Reply reply;
  reply.standing = Standing::no_name;
  return reply;
}

Finding seen(const Wanted& wanted, const Reply& ns1, const Reply& ns2, const Reply& resolver) {
  Sighting sighting;
  sighting.authorities = {View{"ns1", ns1}, View{"ns2", ns2}};
  sighting.resolver = View{"resolver", resolver};
  return judge(wanted, sighting);
}
Finding everywhere(const Wanted& wanted, const Reply& reply) {
  return seen(wanted, reply, reply, reply);
}

TEST(Judge, ARecordThatAllServersHaveIsOk) {
  const Finding finding = everywhere(wanted_key(), having({key}));
  EXPECT_EQ(finding.state, State::ok);
  EXPECT_TRUE(finding.remarks.empty());
}

TEST(Judge, WaitsWhileTheResolverOrAnotherServerLacksIt) {
  EXPECT_EQ(seen(wanted_key(), having({key}), having({key}), nothing()).state, State::waiting);
  const Finding disagreeing = seen(wanted_key(), having({key}), nothing(), having({key}));
  EXPECT_EQ(disagreeing.state, State::waiting);
  EXPECT_THAT(disagreeing.remarks, Contains(HasSubstr("ns2 does not have it, ns1 has")));
}

TEST(Judge, WhatOnlyAResolverRemembersIsGone) {
  const Finding finding = seen(wanted_key(), nothing(), nothing(), having({key}));
  EXPECT_EQ(finding.state, State::absent);
  EXPECT_THAT(finding.remarks, Contains(HasSubstr("still has it from before")));
}

TEST(Judge, SilenceIsNeverAbsence) {
  const Finding finding = everywhere(wanted_key(), silent("no answer in time"));
  EXPECT_EQ(finding.state, State::unknown);
  EXPECT_THAT(finding.remarks, Contains("ns1: no answer in time"));
  EXPECT_EQ(everywhere(wanted_key(), failed("SERVFAIL")).state, State::unknown);
  EXPECT_EQ(seen(wanted_key(), having({key}), silent("no answer in time"), having({key})).state,
            State::ok);
}

TEST(Judge, WithoutTheZonesServersTheResolverIsBelieved) {
  Sighting sighting;
  sighting.resolver = View{"resolver", having({key})};
  EXPECT_EQ(judge(wanted_key(), sighting).state, State::ok);
  sighting.resolver.reply = nothing();
  EXPECT_EQ(judge(wanted_key(), sighting).state, State::absent);
}

TEST(Judge, TellsARevokedKeyFromAnotherOneFromABrokenOne) {
  EXPECT_THAT(everywhere(wanted_key(), having({"v=DKIM1; p="})).remarks,
              Contains(HasSubstr("revoked")));
  const Finding other = everywhere(wanted_key(), having({other_key}));
  EXPECT_EQ(other.state, State::differs);
  EXPECT_THAT(other.remarks, Contains(HasSubstr("another key")));
  EXPECT_THAT(everywhere(wanted_key(), having({"v=DKIM1; p=%%"})).remarks,
              Contains(HasSubstr("syntax error")));
  EXPECT_EQ(everywhere(wanted_key(), having({key, other_key})).state, State::differs);
  EXPECT_EQ(everywhere(wanted_key(), having({"google-site-verification=x"})).state, State::absent);
}

TEST(Judge, SeveralSpfRecordsAreAnErrorThatOneMends) {
  const Finding finding =
      everywhere(wanted_spf(), having({"v=spf1 mx ~all", "v=spf1 include:spf.example.jp -all"}));
  EXPECT_EQ(finding.state, State::differs);
  EXPECT_EQ(finding.publish, "v=spf1 mx include:spf.example.jp ~all");
}

TEST(Judge, SpfThatLetsEverybodyDiffersAndIsNotProposedAgain) {
  for (const char* open :
       {"v=spf1 include:spf.example.jp +all", "v=spf1 include:spf.example.jp all"}) {
    const Finding finding = everywhere(wanted_spf(), having({open}));
    EXPECT_EQ(finding.state, State::differs) << open;
    EXPECT_EQ(finding.publish, "v=spf1 include:spf.example.jp ~all");
  }
  EXPECT_EQ(
      everywhere(wanted_spf(), having({"v=spf1 include:spf.example.jp ip4:0.0.0.0/0 -all"})).state,
      State::differs);
}

TEST(Judge, SpfWithoutOursNamesWhatIsMissing) {
  const Finding finding = everywhere(wanted_spf(), having({"v=spf1 include:_spf.google.com ~all"}));
  EXPECT_EQ(finding.state, State::differs);
  EXPECT_THAT(finding.remarks, Contains("include:spf.example.jp is missing"));
  EXPECT_EQ(finding.publish, "v=spf1 include:_spf.google.com include:spf.example.jp ~all");
}

TEST(Judge, TooManyLookUpsDiffer) {
  Sighting sighting;
  sighting.resolver = View{"resolver", having({"v=spf1 include:spf.example.jp ~all"})};
  sighting.lookups = 10;
  EXPECT_EQ(judge(wanted_spf(), sighting).state, State::ok);
  sighting.lookups = 11;
  EXPECT_EQ(judge(wanted_spf(), sighting).state, State::differs);
}

TEST(Judge, AReturnPathMustLeadToUsAlone) {
  Wanted wanted;
  wanted.purpose = Purpose::return_path;
  wanted.name = "bounce.shop.example";
  wanted.type = Type::mx;
  wanted.value = "10 relay-1.example.jp";
  EXPECT_EQ(everywhere(wanted, having({"5 relay-1.example.jp"})).state, State::ok);
  EXPECT_EQ(everywhere(wanted, having({"10 relay-1.example.jp", "20 mail.shop.example"})).state,
            State::differs);
  EXPECT_EQ(everywhere(wanted, having({"10 mail.shop.example"})).state, State::differs);
  wanted.type = Type::cname;
  wanted.value = "bounce.example.jp";
  Reply alias = having({"10 relay-1.example.jp"});
  alias.aliases = {"bounce.example.jp"};
  EXPECT_EQ(everywhere(wanted, alias).state, State::ok);
  alias.aliases = {"elsewhere.example"};
  EXPECT_EQ(everywhere(wanted, alias).state, State::differs);
}

TEST(Judge, AParentsPolicyIsInherited) {
  Wanted wanted;
  wanted.purpose = Purpose::dmarc;
  wanted.name = "_dmarc.mail.shop.example";
  wanted.needed = false;
  Sighting sighting;
  sighting.resolver = View{"resolver", nothing()};
  EXPECT_EQ(judge(wanted, sighting).state, State::absent);
  sighting.inherited = View{"_dmarc.shop.example", having({"v=DMARC1; p=reject"})};
  EXPECT_EQ(judge(wanted, sighting).state, State::ok);
}

}  // namespace
}  // namespace ecrelay::dns

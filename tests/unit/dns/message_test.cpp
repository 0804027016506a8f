#include "dns/message.h"

#include <gmock/gmock.h>

#include "dns/reply.h"

namespace ecrelay::dns {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;

std::string word(unsigned value) {
  return {static_cast<char>(value >> 8U), static_cast<char>(value & 255U)};
}

std::string name(const std::string& dotted) {
  std::string wire;
  std::size_t at = 0;
  while (at < dotted.size()) {
    const std::size_t dot = std::min(dotted.find('.', at), dotted.size());
    wire += static_cast<char>(dot - at) + dotted.substr(at, dot - at);
    at = dot + 1;
  }
  return wire + '\0';
}

std::string record(const std::string& owner, Type type, const std::string& data) {
  return owner + word(static_cast<unsigned>(type)) + word(1) + "\0\0\1\x2c"s +
         word(static_cast<unsigned>(data.size())) + data;
}

/// A reply to a TXT question for "shop.example", whose name is at byte 12.
std::string reply(const std::vector<std::string>& records, unsigned flags = 0x8180) {
  std::string wire = "\x12\x34" + word(flags) + word(1) +
                     word(static_cast<unsigned>(records.size())) + word(0) + word(0) +
                     name("shop.example") + word(16) + word(1);
  for (const std::string& each : records) wire += each;
  return wire;
}

const std::string here = "\xc0\x0c";  // a pointer to byte 12

TEST(DnsMessage, JoinsTheStringsOfATextRecord) {
  const std::string data = "\x0bv=DKIM1; p=" +
                           "\x03"
                           "abc"s;
  const auto message = parse_message(reply({record(here, Type::txt, data)}));
  ASSERT_TRUE(message) << message.error().detail;
  ASSERT_EQ(message->answers.size(), 1U);
  EXPECT_EQ(message->answers[0].owner, "shop.example");
  EXPECT_EQ(message->answers[0].value, "v=DKIM1; p=abc");
  EXPECT_EQ(message->answers[0].ttl, 300U);
}

TEST(DnsMessage, ReadsNamesAddressesAndMailServers) {
  const auto message = parse_message(reply({
      record(here, Type::mx, word(10) + "\4MAIL"s + here),
      record(here, Type::a, "\x7f\0\0\1"s),
      record(here, Type::aaaa, "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\1"),
      record(here, Type::ns, name("ns1.shop.example")),
  }));
  ASSERT_TRUE(message) << message.error().detail;
  std::vector<std::string> values;
  for (const Record& each : message->answers) values.push_back(each.value);
  EXPECT_THAT(values,
              ElementsAre("10 mail.shop.example", "127.0.0.1", "2001:db8::1", "ns1.shop.example"));
}

TEST(DnsMessage, PassesOverWhatItDoesNotKnow) {
  const auto message = parse_message(
      reply({record(here, static_cast<Type>(46), "signature"), record(here, Type::txt, "\1x")}));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->answers.size(), 1U);
}

TEST(DnsMessage, CutAtAnyByteIsAnErrorAndNeverHalfAnAnswer) {
  const std::string whole =
      reply({record(here, Type::mx, word(10) + "\4mail"s + here), record(here, Type::txt,
                                                                         "\x03"
                                                                         "abc")});
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(parse_message(whole.substr(0, length))) << length;
  }
  EXPECT_TRUE(parse_message(whole));
}

TEST(DnsMessage, PointersThatLeadNowhereOrInACircleEnd) {
  const std::size_t start = reply({}).size();
  EXPECT_FALSE(parse_message(
      reply({record(word(0xc000U + static_cast<unsigned>(start)), Type::txt, "\1x")})));
  EXPECT_FALSE(parse_message(reply({record("\xff\xff", Type::txt, "\1x")})));
  EXPECT_FALSE(parse_message(reply({record("\x40x", Type::txt, "\1x")})));
}

TEST(DnsMessage, AStringLongerThanItsRecordIsAnError) {
  EXPECT_FALSE(parse_message(reply({record(here, Type::txt,
                                           "\xff"
                                           "abc"),
                                    record(here, Type::txt, std::string(300, '\1'))})));
}

TEST(DnsMessage, BytesThatNoHostNameHasAreEscaped) {
  const auto message = parse_message(reply({record("\4A\nb."s + '\0', Type::txt, "\1x")}));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->answers[0].owner, "a\\010b\\046");
}

TEST(DnsMessage, AQuestionIsNoReply) { EXPECT_FALSE(parse_message(reply({}, 0x0100))); }

Message message_of(Code code, std::vector<Record> answers) {
  Message message;
  message.code = code;
  message.answers = std::move(answers);
  return message;
}

TEST(DnsReply, TellsNoNameFromNoRecordFromAServerThatFails) {
  EXPECT_EQ(read_reply(message_of(Code::nxdomain, {}), "a.example", Type::txt).standing,
            Standing::no_name);
  EXPECT_EQ(read_reply(message_of(Code::no_error, {}), "a.example", Type::txt).standing,
            Standing::no_data);
  const Reply failed = read_reply(message_of(Code::servfail, {}), "a.example", Type::txt);
  EXPECT_EQ(failed.standing, Standing::failed);
  EXPECT_EQ(failed.detail, "SERVFAIL");
  EXPECT_FALSE(failed.answered());
}

TEST(DnsReply, FollowsAliasesInsideTheAnswer) {
  const Reply reply =
      read_reply(message_of(Code::no_error, {{"a.example", Type::cname, 1, "b.example"},
                                             {"b.example", Type::cname, 1, "c.example"},
                                             {"x.example", Type::txt, 1, "not asked for"},
                                             {"c.example", Type::txt, 1, "text"}}),
                 "A.Example.", Type::txt);
  EXPECT_EQ(reply.standing, Standing::found);
  EXPECT_THAT(reply.aliases, ElementsAre("b.example", "c.example"));
  EXPECT_THAT(reply.values, ElementsAre("text"));
}

TEST(DnsReply, AliasesInACircleEnd) {
  const Reply reply =
      read_reply(message_of(Code::no_error, {{"a.example", Type::cname, 1, "b.example"},
                                             {"b.example", Type::cname, 1, "a.example"}}),
                 "a.example", Type::txt);
  EXPECT_EQ(reply.standing, Standing::failed);
}

}  // namespace
}  // namespace ecrelay::dns

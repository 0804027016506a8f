#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/json.h"
#include "control/render.h"
#include "core/text.h"
#include "house.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// A house with mail in every state that issue and support care about.
struct Furnished {
  House house;
  Ulid sent = house.accept("taro@example.jp");
  Ulid bounced = house.accept("gone@example.jp");
  Ulid waiting = house.accept("a..b@docomo.ne.jp");

  Furnished() {
    house.deliver(sent, records::State::sent, "ok queued");
    house.deliver(bounced, records::State::bounced, "no such user");
    result_of(house.ask("suppression.add", arguments({{"address", "gone@example.jp"},
                                                      {"shop", "shop-a"},
                                                      {"reason", "no such user"}})));
  }
};

TEST(Answers, AreTheSameFromTheDaemonAndFromItsFiles) {
  Furnished furnished;
  const House& house = furnished.house;
  const std::vector<Request> questions = {
      {"queue.list", {}},
      {"queue.list", arguments({{"shop", "shop-b"}})},
      {"queue.list", arguments({{"state", "sent"}})},
      {"queue.show", arguments({{"message", furnished.waiting.text()}})},
      {"trace", arguments({{"query", furnished.sent.text()}})},
      {"trace", arguments({{"query", "gone@example.jp"}})},
      {"trace", arguments({{"query", "nobody@example.jp"}})},
      {"usage", {}},
      {"usage", arguments({{"by", "day"}})},
      {"usage", arguments({{"by", "message"}})},
      {"suppression.show", arguments({{"address", "gone@example.jp"}})},
      {"suppression.list", {}},
      {"suppression.history", arguments({{"address", "gone@example.jp"}})},
      {"audit", {}},
      {"host.explain", arguments({{"ip", "127.0.0.1"}, {"from", "x@shop-b.example"}})},
      {"dkim.list", {}},
      {"dns.show", arguments({{"domain", "shop-a.example"}})},
      {"dns.show", arguments({{"domain", "shop-c.example"}})},
      {"dns.check", arguments({{"domain", "shop-a.example"}})},
      {"dns.check", arguments({{"resolver", "nonsense"}})},
  };
  for (const Request& question : questions) {
    EXPECT_EQ(to_line(house.ask(question.command, question.arguments)),
              to_line(house.ask_files(question.command, question.arguments)))
        << to_line(question);
  }
}

TEST(Trace, FindsAMailByItsIdMessageIdOrRecipientInAnySpelling) {
  Furnished furnished;
  const std::string id = furnished.waiting.text();
  for (const std::string& query :
       {id, text::lowered(id), " " + id + " ", "<" + id + "@shop-a.example>",
        id + "@shop-a.example", std::string("a..b@docomo.ne.jp"),
        std::string("\"a..b\"@DoCoMo.ne.jp"), std::string("<a..b@docomo.ne.jp>")}) {
    const json::object result =
        result_of(furnished.house.ask("trace", arguments({{"query", query}})));
    ASSERT_EQ(result.at("messages").get_array().size(), 1U) << query;
    EXPECT_EQ(result.at("messages").at(0).at("id").get_string(), id) << query;
  }
  EXPECT_EQ(fault_of(furnished.house.ask("trace", arguments({{"query", "no@such.example"}}))).code,
            FaultCode::not_found);
}

TEST(Trace, TellsThePersonEverythingInOneScreen) {
  Furnished furnished;
  const auto shown = [&](const Ulid& id) {
    return render("trace",
                  result_of(furnished.house.ask("trace", arguments({{"query", id.text()}}))));
  };
  EXPECT_THAT(
      shown(furnished.sent),
      AllOf(HasSubstr("ご注文の確認"), HasSubstr("host app at 127.0.0.1, in clear, session S1"),
            HasSubstr("d=shop-a.example s=r1"), HasSubstr("taro@example.jp: sent"),
            HasSubstr("dot: 250 2.0.0 \"ok queued\" -> sent (23 ms)"), HasSubstr("0.1 yen"),
            HasSubstr("no effect on the suppression list")));
  EXPECT_THAT(shown(furnished.bounced),
              AllOf(HasSubstr("550 5.1.1 \"no such user\" -> bounced"), HasSubstr("0.0 yen"),
                    HasSubstr("on the list now: gone@example.jp, manual since")));
}

TEST(Queue, ListsWhatWaitsAndNamesAMistypedShop) {
  Furnished furnished;
  const json::object open = result_of(furnished.house.ask("queue.list"));
  ASSERT_EQ(open.at("recipients").get_array().size(), 1U);
  EXPECT_EQ(open.at("recipients").at(0).at("address").get_string(), "a..b@docomo.ne.jp");
  const json::object sent =
      result_of(furnished.house.ask("queue.list", arguments({{"state", "sent"}})));
  EXPECT_EQ(sent.at("recipients").at(0).at("address").get_string(), "taro@example.jp");
  EXPECT_EQ(fault_of(furnished.house.ask("queue.list", arguments({{"shop", "shop-q"}}))).message,
            "no shop 'shop-q'; did you mean 'shop-a'?");
  EXPECT_EQ(fault_of(furnished.house.ask("queue.list", arguments({{"state", "asleep"}}))).code,
            FaultCode::invalid);
}

TEST(Usage, CountsAndYenOfTheMonthAgreeHoweverTheyAreCut) {
  Furnished furnished;
  for (const char* by : {"shop", "day", "message"}) {
    const json::object result = result_of(furnished.house.ask("usage", arguments({{"by", by}})));
    EXPECT_EQ(result.at("total").at("amount_yen").get_string(), "0.1") << by;
    EXPECT_EQ(result.at("total").at("messages").to_number<int>(), 3) << by;
    EXPECT_EQ(result.at("rows").get_array().size(), 1U) << by;
    EXPECT_EQ(result.at("rows").at(0).at("amount_yen").get_string(), "0.1") << by;
  }
  EXPECT_THAT(render("usage", result_of(furnished.house.ask("usage"))), HasSubstr("ショップA"));
  EXPECT_EQ(fault_of(furnished.house.ask("usage", arguments({{"month", "2026-13"}}))).code,
            FaultCode::invalid);
}

TEST(HostExplain, SaysWhyAndWhetherItIsAdmitted) {
  House house;
  const auto explain = [&](const char* ip, const char* from) {
    return result_of(house.ask("host.explain", arguments({{"ip", ip}, {"from", from}})));
  };
  EXPECT_TRUE(explain("127.0.0.1", "order@shop-a.example").at("admitted").get_bool());
  EXPECT_TRUE(explain("127.0.0.1", "shop-a.example").at("admitted").get_bool());
  EXPECT_FALSE(explain("127.0.0.1", "order@shop-b.example").at("admitted").get_bool());
  const json::object stranger = explain("192.0.2.1", "order@shop-a.example");
  EXPECT_FALSE(stranger.at("admitted").get_bool());
  EXPECT_THAT(render("host.explain", stranger), HasSubstr("NO"));
  EXPECT_EQ(fault_of(house.ask("host.explain", arguments({{"ip", "localhost"}}))).code,
            FaultCode::invalid);
}

TEST(DnsShow, GivesTheKeyInStringsThatAZoneFileCanHoldAndOneLineForAForm) {
  House house;
  const json::object keys = result_of(house.ask("dkim.list"));
  const std::string record(keys.at("keys").at(0).at("record").get_string());
  ASSERT_GT(record.size(), 255U);
  const json::object result =
      result_of(house.ask("dns.show", arguments({{"domain", "SHOP-A.example"}})));
  const std::string zone = render_dns(result, "zone");
  EXPECT_THAT(zone, AllOf(HasSubstr("r1._domainkey.shop-a.example. 3600 IN TXT ( \"v=DKIM1;"),
                          HasSubstr("bounce.shop-a.example. 3600 IN MX 10 relay.example.jp."),
                          HasSubstr("; advised: _dmarc.shop-a.example. 3600 IN TXT")));
  for (const std::string_view piece : text::split(zone, '"')) EXPECT_LE(piece.size(), 255U);
  EXPECT_THAT(render_dns(result, "ja"),
              AllOf(HasSubstr("値        : " + record + "\n"), HasSubstr("※必須")));
  EXPECT_THAT(render_dns(result, "table"), HasSubstr(record));
  EXPECT_THAT(fault_of(house.ask("dns.show", arguments({{"domain", "shop-x.example"}}))).message,
              HasSubstr("did you mean 'shop-a.example'?"));
}

TEST(DnsShow, TellsServersThatKeepSilentFromRecordsThatAreAbsent) {
  House house;
  const json::object result =
      result_of(house.ask("dns.check", arguments({{"domain", "shop-a.example"}})));
  EXPECT_EQ(result.at("ok"), false);
  const json::value& key = result.at("domains").at(0).at("records").at(0);
  EXPECT_EQ(key.at("state").get_string(), "unknown");
  EXPECT_THAT(render_dns_check(result), HasSubstr("resolver 127.0.0.1:1: nobody listens there"));
}

TEST(Hostile, TextsFromMailAndRepliesNeverBreakTheTerminalOrTheJson) {
  House house;
  const std::string evil = "\x1b]0;owned\x07\x1b[2J\r\n250 ok\x9b\xff\u202Etxt.exe\u2028\"}\\";
  const Ulid id = house.accept("victim@example.jp", evil);
  house.deliver(id, records::State::bounced, evil);
  result_of(house.ask("suppression.add", arguments({{"address", "victim@example.jp"},
                                                    {"reason", std::string(json_text(evil))}})));
  const std::vector<Request> questions = {
      {"queue.list", arguments({{"state", "bounced"}})},
      {"queue.show", arguments({{"message", id.text()}})},
      {"trace", arguments({{"query", id.text()}})},
      {"suppression.show", arguments({{"address", "victim@example.jp"}})},
      {"suppression.list", {}},
      {"suppression.history", arguments({{"address", "victim@example.jp"}})},
      {"audit", {}},
  };
  for (const Request& question : questions) {
    const json::object result = result_of(house.ask(question.command, question.arguments));
    for (const std::string& text : {render(question.command, result), serialized(result)}) {
      ASSERT_THAT(text, HasSubstr("owned")) << question.command;
      for (const char32_t point : text::code_points(text)) {
        EXPECT_TRUE(point == '\n' || (point >= 0x20 && point < 0x7F) ||
                    (point >= 0xA0 && (point & text::malformed) == 0))
            << question.command << " lets through " << std::hex << +point;
        EXPECT_NE(point, 0x202EU);
        EXPECT_NE(point, 0x2028U);
      }
      EXPECT_THAT(text, Not(HasSubstr("\n250 ok"))) << question.command;
    }
  }
}

}  // namespace
}  // namespace ecrelay::control

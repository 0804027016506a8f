#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fstream>

#include <cstdio>
#include <future>

#include "control/caller.h"
#include "control/client.h"
#include "control/json.h"
#include "control/render.h"
#include "house.h"
#include "log/capture.h"
#include "store/inquiry.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<records::AuditRow> audits(const House& house) {
  return store::Inquiry(house.book()).audits(100);
}

TEST(Retry, MakesRecipientsDueTellsDispatchAndLeavesAnAuditRow) {
  House house;
  const Ulid id = house.accept("taro@example.jp");
  house.accept("hanako@other.example");
  log::Capture log;
  const json::object result =
      result_of(house.ask("queue.retry", arguments({{"message", id.text()}, {"reason", "fixed"}})));
  EXPECT_EQ(result.at("retried").to_number<int>(), 1);
  EXPECT_LE(store::Inquiry(house.book()).trace(id)->recipients[0].due, now());

  const auto rows = audits(house);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].action, "queue retry");
  EXPECT_THAT(rows[0].target, HasSubstr(id.text()));
  EXPECT_EQ(rows[0].reason, "fixed");
  EXPECT_THAT(rows[0].actor, HasSubstr(std::to_string(getuid())));
  EXPECT_EQ(rows[0].origin,
            "socket uid=" + std::to_string(getuid()) + " pid=" + std::to_string(getpid()));
  EXPECT_THAT(log.lines(), Contains(HasSubstr("queue retry")));
  house.stop();
  ASSERT_EQ(house.told.retried.size(), 1U);
  EXPECT_EQ(house.told.retried[0].message, id);
}

TEST(Retry, NeedsToBeToldWhichAndChangesNothingOtherwise) {
  House house;
  house.accept("taro@example.jp");
  EXPECT_EQ(fault_of(house.ask("queue.retry")).code, FaultCode::invalid);
  const auto both = arguments({{"all", true}, {"domain", "example.jp"}});
  EXPECT_EQ(fault_of(house.ask("queue.retry", both)).code, FaultCode::invalid);
  EXPECT_EQ(fault_of(house.ask("queue.retry", arguments({{"domain", "no.example"}}))).code,
            FaultCode::not_found);
  const auto unknown = arguments({{"message", "01ARZ3NDEKTSV4RRFFQ69G5FAV"}});
  EXPECT_EQ(fault_of(house.ask("queue.retry", unknown)).code, FaultCode::not_found);
  EXPECT_THAT(audits(house), IsEmpty());
  EXPECT_EQ(result_of(house.ask("queue.retry", arguments({{"domain", "@Example.JP"}})))
                .at("retried")
                .to_number<int>(),
            1);
  house.stop();
  EXPECT_EQ(house.told.retried.size(), 1U);
}

json::object these(std::initializer_list<Ulid> messages) {
  json::array ids;
  for (const Ulid& each : messages) ids.emplace_back(each.text());
  json::object given;
  given["messages"] = std::move(ids);
  return given;
}

records::State state_of(const House& house, const Ulid& id) {
  return store::Inquiry(house.book()).trace(id)->recipients[0].state;
}

TEST(Intervening, HoldsReleasesAndCancelsTellsDispatchAndLeavesAuditRows) {
  House house;
  const Ulid a = house.accept("taro@example.jp"), b = house.accept("jiro@example.jp");
  EXPECT_EQ(result_of(house.ask("queue.hold", these({a, b, a}))).at("count"), 2);
  EXPECT_EQ(state_of(house, b), records::State::held);
  EXPECT_EQ(result_of(house.ask("queue.release", these({a}))).at("state"), "queued");
  EXPECT_EQ(state_of(house, a), records::State::queued);
  json::object both = these({a, b});
  both["reason"] = "wrong price";
  EXPECT_EQ(result_of(house.ask("queue.cancel", both)).at("count"), 2);
  EXPECT_EQ(state_of(house, a), records::State::cancelled);
  EXPECT_EQ(fault_of(house.ask("queue.release", these({a}))).code, FaultCode::not_found);

  const auto rows = audits(house);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].action, "queue cancel");
  EXPECT_EQ(rows[0].reason, "wrong price");
  EXPECT_EQ(rows[0].target, a.text() + " " + b.text());
  EXPECT_EQ(rows[0].detail, "2 recipients cancelled");
  EXPECT_THAT(store::Inquiry(house.book()).trace(a)->recipients[0].reply, HasSubstr("wrong price"));
  house.stop();
  EXPECT_THAT(house.told.withheld, ElementsAre(a, b, a, b));
  EXPECT_EQ(house.told.given_back, house.told.withheld);
  EXPECT_THAT(house.told.released, ElementsAre(a, a));
  EXPECT_EQ(house.told.queued_by, -2 + 1 - 1) << "one of the cancelled was held";
}

TEST(Intervening, WhatIsBeingDeliveredIsLeftAloneAndSaid) {
  House house;
  const Ulid busy = house.accept("taro@example.jp"), idle = house.accept("jiro@example.jp");
  house.in_delivery.insert(busy);
  const Fault fault = fault_of(house.ask("queue.cancel", these({busy})));
  EXPECT_EQ(fault.code, FaultCode::conflict);
  EXPECT_THAT(fault.message, HasSubstr("being delivered now"));
  EXPECT_EQ(state_of(house, busy), records::State::queued);
  const json::object result =
      result_of(house.ask("queue.hold", arguments({{"domain", "example.jp"}})));
  EXPECT_EQ(result.at("count"), 1);
  ASSERT_EQ(result.at("in_delivery").as_array().size(), 1U);
  EXPECT_EQ(std::string(result.at("in_delivery").as_array()[0].as_string()), busy.text());
  EXPECT_EQ(state_of(house, idle), records::State::held);
}

TEST(Intervening, NeedsToBeToldWhichAndKnowsEveryId) {
  House house;
  const Ulid id = house.accept("taro@example.jp");
  EXPECT_EQ(fault_of(house.ask("queue.hold")).code, FaultCode::invalid);
  json::object both = these({id});
  both["shop"] = "shop-a";
  EXPECT_EQ(fault_of(house.ask("queue.hold", both)).code, FaultCode::invalid);
  const Ulid unknown = *Ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  EXPECT_EQ(fault_of(house.ask("queue.hold", these({id, unknown}))).code, FaultCode::not_found);
  EXPECT_EQ(state_of(house, id), records::State::queued) << "half of it was done";
  EXPECT_EQ(fault_of(house.ask("queue.cancel", arguments({{"shop", "shop-b"}}))).code,
            FaultCode::not_found);
  EXPECT_THAT(audits(house), IsEmpty());
}

TEST(Suppression, AnySpellingAddsFindsAndClearsTheOneEntry) {
  House house;
  log::Capture log;
  result_of(house.ask("suppression.add", arguments({{"address", "<\"a..b\"@DOCOMO.ne.jp>"},
                                                    {"for", "30d"},
                                                    {"reason", "customer asked"}})));
  for (const char* spelling : {"a..b@docomo.ne.jp", "A..B@docomo.NE.jp", "\"a..b\"@docomo.ne.jp"}) {
    const json::object shown =
        result_of(house.ask("suppression.show", arguments({{"address", spelling}})));
    ASSERT_EQ(shown.at("entries").get_array().size(), 1U) << spelling;
    EXPECT_EQ(shown.at("entries").at(0).at("evidence").get_string(), "customer asked");
    EXPECT_TRUE(shown.at("entries").at(0).at("blocking").get_bool());
  }
  const json::object cleared =
      result_of(house.ask("suppression.clear",
                          arguments({{"address", "a..B@docomo.ne.jp"}, {"reason", "by mistake"}})));
  EXPECT_EQ(cleared.at("cleared").get_array().size(), 1U);
  const json::object shown =
      result_of(house.ask("suppression.show", arguments({{"address", "a..b@docomo.ne.jp"}})));
  EXPECT_FALSE(shown.at("blocked").get_bool());
  EXPECT_EQ(shown.at("history").get_array().size(), 2U);
  const json::object history =
      result_of(house.ask("suppression.history", arguments({{"address", "a..b@docomo.ne.jp"}})));
  EXPECT_EQ(history.at("events").get_array().size(), 2U);

  const auto rows = audits(house);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].action, "suppression clear");
  EXPECT_EQ(rows[0].reason, "by mistake");
  EXPECT_EQ(rows[1].action, "suppression add");
  EXPECT_EQ(rows[1].target, "a..b@docomo.ne.jp");
  EXPECT_THAT(log.lines(), Contains(HasSubstr("suppress_clear")));
  house.stop();
  EXPECT_THAT(house.told.changed_keys, ElementsAre("a..b@docomo.ne.jp", "a..b@docomo.ne.jp"));
}

TEST(Suppression, NothingChangesWithoutAReasonAnAddressOrAShopThatExists) {
  House house;
  const std::vector<std::pair<std::string, json::object>> wrong = {
      {"suppression.add", arguments({{"address", "a@example.jp"}})},
      {"suppression.add", arguments({{"address", "a@example.jp"}, {"reason", ""}})},
      {"suppression.add",
       arguments({{"address", "a@example.jp"}, {"reason", std::string(1001, 'x')}})},
      {"suppression.add", arguments({{"address", "no address"}, {"reason", "x"}})},
      {"suppression.add",
       arguments({{"address", "a@example.jp"}, {"reason", "x"}, {"for", "-1d"}})},
      {"suppression.add", arguments({{"address", "a@example.jp"}, {"reason", "x"}, {"fro", "1d"}})},
      {"suppression.clear", arguments({{"address", "a@example.jp"}})},
      {"suppression.clear", arguments({{"reason", "all of them"}})},
  };
  for (const auto& [command, given] : wrong) {
    EXPECT_EQ(fault_of(house.ask(command, given)).code, FaultCode::invalid) << json::value(given);
  }
  const auto no_shop =
      arguments({{"address", "a@example.jp"}, {"reason", "x"}, {"shop", "shop-z"}});
  EXPECT_EQ(fault_of(house.ask("suppression.add", no_shop)).code, FaultCode::not_found);
  const auto absent = arguments({{"address", "a@example.jp"}, {"reason", "x"}});
  EXPECT_EQ(fault_of(house.ask("suppression.clear", absent)).code, FaultCode::not_found);
  EXPECT_THAT(audits(house), IsEmpty());
  house.stop();
  EXPECT_THAT(house.told.changed_keys, IsEmpty());
}

TEST(Suppression, ADomainIsClearedAsFarAsItWasListedSinceThen) {
  House house;
  for (const char* address : {"a@gone.example", "b@gone.example", "c@other.example"}) {
    result_of(house.ask("suppression.add", arguments({{"address", address}, {"reason", "hard"}})));
  }
  for (const char* reason : {"unsubscribe", "complaint", "asked by phone"})
    result_of(house.ask("suppression.add",
                        arguments({{"address", std::string(reason, 3) + "@gone.example"},
                                   {"shop", "shop-a"},
                                   {"reason", reason}})));
  const json::object preview =
      result_of(house.ask("suppression.clear.preview", arguments({{"domain", "gone.example"}})));
  EXPECT_EQ(serialized(preview),
            R"({"clear":{"hard":2},"stay":{"complaint":1,"manual":1,"unsubscribe":1}})");
  const auto clear = [&](const char* since) {
    return house.ask("suppression.clear",
                     arguments({{"domain", "gone.example"}, {"since", since}, {"reason", "undo"}}));
  };
  EXPECT_EQ(fault_of(clear("2099-01-01")).code, FaultCode::not_found);
  EXPECT_EQ(result_of(clear("2020-01-01")).at("cleared").get_array().size(), 2U);
  const json::object left = result_of(house.ask("suppression.list"));
  ASSERT_EQ(left.at("entries").get_array().size(), 4U) << "what people have said stays";
  EXPECT_EQ(left.at("entries").at(1).at("key").get_string(), "c@other.example");
}

TEST(Suppression, AnUndoIsCountedBeforehandAndTakesNothingThatSomebodyHasAdded) {
  House house;
  result_of(
      house.ask("suppression.add", arguments({{"address", "a@gone.example"}, {"reason", "hard"}})));
  const auto undo = [&](const char* command, const char* reason) {
    return house.ask(command, arguments({{"domain", "gone.example"},
                                         {"from", "2020-01-01"},
                                         {"to", "2099-01-01"},
                                         {"reason", reason}}));
  };
  EXPECT_EQ(serialized(result_of(undo("suppression.undo.preview", ""))),
            R"({"clear":{},"stay":{"hard":1}})");
  EXPECT_EQ(fault_of(undo("suppression.undo", "")).code, FaultCode::invalid);
  EXPECT_EQ(fault_of(undo("suppression.undo", "a wave")).code, FaultCode::not_found);
  const auto no_time = arguments({{"domain", "gone.example"}});
  EXPECT_EQ(fault_of(house.ask("suppression.undo.preview", no_time)).code, FaultCode::invalid);
}

TEST(Status, JoinsTheLivingPartWithTheBooks) {
  House house;
  house.accept("taro@example.jp");
  const json::object live = result_of(house.ask("status"));
  EXPECT_TRUE(live.at("running").get_bool());
  EXPECT_EQ(live.at("queue").at("queued").to_number<int>(), 1);
  EXPECT_TRUE(live.contains("rates"));
  const json::object alone = result_of(house.ask_files("status"));
  EXPECT_FALSE(alone.at("running").get_bool());
  EXPECT_EQ(alone.at("queue"), live.at("queue"));
  EXPECT_EQ(alone.at("month"), live.at("month"));
}

TEST(Status, IsGivenAlsoWhenTheBookCannotBeRead) {
  House house;
  std::filesystem::rename(house.book(), house.folder() / "elsewhere.db");
  const json::object live = result_of(house.ask("status"));
  EXPECT_TRUE(live.at("running").get_bool());
  EXPECT_THAT(render("status", live), HasSubstr("CANNOT BE READ"));
  EXPECT_EQ(fault_of(house.ask("audit")).code, FaultCode::internal);
}

TEST(Reload, IsAuditedAndTellsWhatChanged) {
  House house;
  Reloaded answer;
  answer.changes.push_back(
      {"limits.connections", config::Difference::Kind::changed, "2000", "3000", false});
  answer.changes.push_back({"shops[shop-c]", config::Difference::Kind::added, "", "", false});
  answer.warnings.emplace_back("ecrelay.yaml: warning: looks like a slip");
  house.set_reload_answer(answer);
  const json::object told = result_of(house.ask("reload"));
  EXPECT_EQ(told.at("text").get_string(),
            "2 changes: limits.connections: 2000 -> 3000; shops[shop-c]: added");
  EXPECT_EQ(told.at("changes").get_array().size(), 2U);
  const std::string shown = render("reload", told);
  EXPECT_THAT(shown, HasSubstr("limits.connections: 2000 -> 3000\n"));
  EXPECT_THAT(shown, HasSubstr("shops[shop-c]: added\n"));
  EXPECT_THAT(shown, HasSubstr("warning: ecrelay.yaml: warning: looks like a slip\n"));
  EXPECT_EQ(audits(house).size(), 1U);
  house.stop();
  EXPECT_EQ(house.told.reloads, 1);
}

TEST(Reload, ThatWasRefusedSaysWhyAndIsAuditedToo) {
  House house;
  house.set_reload_answer(invalid("ecrelay.yaml:3:1: error: unknown key"));
  EXPECT_EQ(fault_of(house.ask("reload")).code, FaultCode::configuration);
  house.set_reload_answer(conflict("state_dir: needs a restart"));
  EXPECT_EQ(fault_of(house.ask("reload")).code, FaultCode::conflict);
  EXPECT_EQ(audits(house).size(), 2U);
}

TEST(ConfigDiff, ComparesAFileWithTheConfigurationInForce) {
  House house;
  const auto ask = [&] {
    return result_of(house.ask("config.diff", arguments({{"file", house.config_file()}})));
  };
  EXPECT_TRUE(ask().at("ok").get_bool());
  std::ofstream(house.config_file(), std::ios::app) << "limits: {connections: 77}\nnode: other\n";
  const json::object told = ask();
  EXPECT_FALSE(told.at("ok").get_bool());
  EXPECT_TRUE(told.at("restart").get_bool());
  const std::string shown = render("config.diff", told);
  EXPECT_THAT(shown, HasSubstr("limits.connections: 2000 -> 77\n"));
  EXPECT_THAT(shown, HasSubstr("-> other  (needs a restart)\n"));
}

TEST(Wire, ARequestMayArriveCutAtAnyByte) {
  House house;
  const std::string request =
      "{\"command\":\"dns.show\",\"arguments\":{\"domain\":\"x.example\"}}\n";
  const Line line = Line::local(house.socket());
  for (std::size_t cut = 0; cut <= request.size(); ++cut) {
    line.say(request.substr(0, cut));
    line.say(request.substr(cut));
    EXPECT_THAT(line.read_line(), HasSubstr("\"not_found\"")) << cut;
  }
}

TEST(Wire, AMalformedRequestGetsAnAnswerAndTheNextOneIsServed) {
  House house;
  const Line line = Line::local(house.socket());
  line.say("rubbish\n{\"command\":\"queue.lst\"}\n{\"command\":\"audit\"}\n");
  EXPECT_THAT(line.read_line(), HasSubstr("\"invalid\""));
  EXPECT_THAT(line.read_line(), HasSubstr("did you mean 'queue.list'?"));
  EXPECT_THAT(line.read_line(), HasSubstr("\"ok\":true"));
}

TEST(Wire, AnEndlessRequestEndsTheConnectionAndNobodyElses) {
  House house;
  const Line endless = Line::local(house.socket());
  endless.say(std::string(max_request + 4096, 'x'));
  EXPECT_EQ(endless.read_line().find("\"ok\":true"), std::string::npos);
  result_of(house.ask("audit"));
}

TEST(Wire, ConnectionsAreBoundedAndFreedAgain) {
  House house;
  {
    std::vector<Line> idle;
    for (int i = 0; i < 32; ++i) {
      idle.push_back(Line::local(house.socket()));
      idle.back().say("{\"command\":\"audit\"}\n");
      EXPECT_THAT(idle.back().read_line(), HasSubstr("\"ok\":true"));
    }
    const Line one_more = Line::local(house.socket());
    EXPECT_THAT(one_more.read_line(), HasSubstr("\"unavailable\""));
  }
  // The server hears of each end by itself; being asked again is the only way to see it.
  for (int tries = 0; tries < 1000; ++tries) {
    const Line line = Line::local(house.socket());
    line.say("{\"command\":\"audit\"}\n");
    if (line.read_line().find("\"ok\":true") != std::string::npos) return;
  }
  ADD_FAILURE() << "never served again";
}

TEST(MayControl, RootTheRelayItselfAndMembersOfTheGroupAndNobodyElse) {
  constexpr uid_t daemon = 900;
  constexpr gid_t group = 800;
  const auto may = [](uid_t uid, gid_t gid, std::vector<gid_t> groups) {
    Caller caller;
    caller.credentials = {1, uid, gid};
    caller.groups = std::move(groups);
    return may_control(caller, daemon, group);
  };
  EXPECT_TRUE(may(0, 5, {}));
  EXPECT_TRUE(may(daemon, 5, {}));
  EXPECT_TRUE(may(1000, group, {}));
  EXPECT_TRUE(may(1000, 5, {7, group}));
  EXPECT_FALSE(may(1000, 5, {7}));
  EXPECT_FALSE(may(1000, daemon, {}));  // a uid is no gid
}

/// What a stranger reads from the socket, in a process that has given up everything it was.
std::string as_nobody(const std::string& path) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr gid_t nobody = 65534;
    if (::setgroups(0, nullptr) != 0 || ::setgid(nobody) != 0 || ::setuid(nobody) != 0) ::_exit(1);
    const Line line = Line::local(path);
    line.say("{\"command\":\"audit\"}\n");
    const std::string answer = line.read_line();
    const ssize_t written = ::write(ends[1], answer.data(), answer.size());
    ::_exit(written < 0 ? 1 : 0);
  }
  ::close(ends[1]);
  std::string answer(512, '\0');
  const ssize_t count = ::read(ends[0], answer.data(), answer.size());
  answer.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return answer;
}

TEST(Permission, AStrangerIsRefusedEvenWhereTheSocketsModeWouldLetHimIn) {
  if (::geteuid() != 0) {
    std::fputs("not root: nobody else to be refused; MayControl tests the rule\n", stderr);
    return;
  }
  House house;
  ASSERT_EQ(::chmod(house.folder().c_str(), 0755), 0);
  ASSERT_EQ(::chmod(house.socket().c_str(), 0666), 0);
  EXPECT_THAT(as_nobody(house.socket()), HasSubstr("\"refused\""));
}

TEST(Client, TellsADaemonThatIsDownFromOneThatGaveNoAnswer) {
  const TemporaryFolder folder;
  const auto down = ask((folder.path() / "none").string(), Request{"audit", {}});
  ASSERT_FALSE(down);
  EXPECT_EQ(down.error().code, ErrorCode::not_found);

  asio::io_context context;
  const std::string path = (folder.path() / "mute").string();
  auto listener = net::UnixListener::open(context.get_executor(), path);
  const auto silent = ask(path, Request{"audit", {}}, std::chrono::seconds(0));
  if (silent) {
    EXPECT_EQ(std::get<Fault>(*silent).code, FaultCode::internal);
  } else {
    EXPECT_EQ(silent.error().code, ErrorCode::unavailable);
  }
}

}  // namespace
}  // namespace ecrelay::control

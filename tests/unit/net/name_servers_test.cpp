#include "net/name_servers.h"

#include <gmock/gmock.h>

#include "unit/net/loop.h"
#include "unit/net/name_server.h"

namespace ecrelay::net {
namespace {

using namespace std::chrono_literals;
using Answers = NameServer::Answers;

class NameServersTest : public Loop {
 protected:
  /// A machine that is busy answers late: only silence is waited for shortly.
  dns::Reply ask(const std::vector<Endpoint>& servers, const std::string& name,
                 std::chrono::milliseconds patience = 5s) {
    NameServers::Options options;
    options.servers = servers;
    options.timeout = patience;
    options.tries = 1;
    NameServers asked(executor(), options);
    dns::Reply reply;
    spawn([](NameServers& in, std::string of, dns::Reply& out) -> asio::awaitable<void> {
      out = co_await in.ask(of, dns::Type::a);
    }(asked, name, reply));
    run();
    return reply;
  }
};

TEST_F(NameServersTest, TellsNothingFromFailureFromSilence) {
  NameServer server({{{"a.example", 1}, {0, {"192.0.2.1"}}},
                     {{"empty.example", 1}, {}},
                     {{"broken.example", 1}, {2, {}}},
                     {{"refused.example", 1}, {5, {}}},
                     {{"silent.example", 1}, {-1, {}}}});
  const auto standing = [&](const std::string& name) { return ask({server.at()}, name).standing; };
  EXPECT_THAT(ask({server.at()}, "a.example").values, ::testing::ElementsAre("192.0.2.1"));
  EXPECT_EQ(standing("empty.example"), dns::Standing::no_data);
  EXPECT_EQ(standing("unknown.example"), dns::Standing::no_name);
  EXPECT_EQ(standing("broken.example"), dns::Standing::failed);
  EXPECT_EQ(standing("refused.example"), dns::Standing::failed);
  EXPECT_EQ(ask({server.at()}, "silent.example", 50ms).standing, dns::Standing::silent);
  EXPECT_EQ(ask({server.at()}, "broken.example").detail, "SERVFAIL");
  EXPECT_EQ(standing(std::string(70, 'x') + ".example"), dns::Standing::failed);
}

TEST_F(NameServersTest, TheNextServerIsAskedWhereOneFails) {
  NameServer broken({{{"a.example", 1}, {2, {}}}});
  NameServer sound({{{"a.example", 1}, {0, {"192.0.2.1"}}}});
  EXPECT_EQ(ask({broken.at(), sound.at()}, "a.example").standing, dns::Standing::found);
  EXPECT_EQ(ask({broken.at(), broken.at()}, "a.example").detail, "SERVFAIL");
}

}  // namespace
}  // namespace ecrelay::net

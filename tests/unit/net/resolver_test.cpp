#include "net/resolver.h"

#include "unit/net/loop.h"
#include "unit/net/name_server.h"

namespace ecrelay::net {
namespace {

using namespace std::chrono_literals;

class ResolverTest : public Loop {
 protected:
  static Resolver::Options asking(const NameServer& server) {
    Resolver::Options options;
    options.servers = {server.at()};
    options.timeout = 50ms;
    options.tries = 1;
    return options;
  }

  Result<std::vector<IpAddress>> lookup(Resolver& resolver, const std::string& host) {
    std::optional<Result<std::vector<IpAddress>>> result;
    spawn([](Resolver& in, std::string name,
             std::optional<Result<std::vector<IpAddress>>>& out) -> asio::awaitable<void> {
      out = co_await in.addresses(name);
    }(resolver, host, result));
    run();
    return *result;
  }
};

std::vector<IpAddress> parsed(const std::vector<std::string>& texts) {
  std::vector<IpAddress> addresses;
  for (const std::string& text : texts) addresses.push_back(*IpAddress::parse(text));
  return addresses;
}

using Answers = NameServer::Answers;

TEST_F(ResolverTest, TakesLiteralsAsTheyAre) {
  NameServer nobody({});
  Resolver resolver(executor(), asking(nobody));
  for (const auto& [host, address] : std::map<std::string, std::string>{
           {"192.0.2.1", "192.0.2.1"}, {"2001:db8::1", "2001:db8::1"}, {"[::1]", "::1"}}) {
    const auto found = lookup(resolver, host);
    ASSERT_TRUE(found) << host;
    EXPECT_EQ(*found, parsed({address}));
  }
  EXPECT_EQ(nobody.questions(), 0);
}

TEST_F(ResolverTest, KnowsLocalhostWithoutAsking) {
  NameServer nobody({});
  Resolver resolver(executor(), asking(nobody));
  const auto found = lookup(resolver, "localhost");
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_FALSE(found->empty());
  for (const IpAddress& address : *found) EXPECT_TRUE(address.is_loopback());
}

TEST_F(ResolverTest, GivesAddressesOfBothFamiliesIpv4First) {
  NameServer server({{{"mx.example", 1}, {0, {"192.0.2.1", "192.0.2.2"}}},
                     {{"mx.example", 28}, {0, {"2001:db8::1"}}}});
  Resolver resolver(executor(), asking(server));
  const auto found = lookup(resolver, "MX.example");
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ(*found, parsed({"192.0.2.1", "192.0.2.2", "2001:db8::1"}));
}

TEST_F(ResolverTest, GivesTheFirstOfAHostThatHasManyAddresses) {
  std::vector<std::string> many;
  for (int n = 1; n <= 20; ++n) many.push_back("192.0.2." + std::to_string(n));
  NameServer server({{{"mx.example", 1}, {0, many}}, {{"mx.example", 28}, {0, {"2001:db8::1"}}}});
  Resolver resolver(executor(), asking(server));
  const auto found = lookup(resolver, "mx.example");
  ASSERT_TRUE(found) << found.error().detail;
  ASSERT_EQ(found->size(), 9U);
  EXPECT_EQ(found->front().text(), "192.0.2.1");
  EXPECT_EQ(found->back().text(), "2001:db8::1");
}

TEST_F(ResolverTest, KeepsAnswersForTheirTtlWithinItsBound) {
  NameServer server({{{"a.example", 1}, {0, {"192.0.2.1"}}},
                     {{"a.example", 28}, {}},
                     {{"b.example", 1}, {0, {"192.0.2.2"}}},
                     {{"b.example", 28}, {}},
                     {{"now.example", 1}, {0, {"192.0.2.3"}, 0}},
                     {{"now.example", 28}, {}}});
  Resolver::Options options = asking(server);
  options.cache_entries = 1;
  Resolver resolver(executor(), options);
  const auto questions = [&](const std::string& host) {
    const int before = server.questions();
    EXPECT_TRUE(lookup(resolver, host)) << host;
    return server.questions() - before;
  };
  EXPECT_EQ(questions("a.example"), 2);
  EXPECT_EQ(questions("A.EXAMPLE"), 0);
  EXPECT_EQ(questions("b.example"), 2);
  EXPECT_EQ(questions("a.example"), 2) << "one entry is the bound";
  EXPECT_EQ(questions("now.example"), 2);
  EXPECT_EQ(questions("now.example"), 2) << "a TTL of 0 is not kept";
}

TEST_F(ResolverTest, TellsNeverFromNotNow) {
  NameServer server({{{"none.example", 1}, {}},
                     {{"none.example", 28}, {}},
                     {{"broken.example", 1}, {2, {}}},
                     {{"broken.example", 28}, {2, {}}},
                     {{"half.example", 1}, {2, {}}},
                     {{"half.example", 28}, {}},
                     {{"other-half.example", 1}, {}},
                     {{"other-half.example", 28}, {2, {}}},
                     {{"silent.example", 1}, {-1, {}}},
                     {{"silent.example", 28}, {-1, {}}},
                     {{"v4.example", 1}, {0, {"192.0.2.1"}}},
                     {{"v4.example", 28}, {2, {}}}});
  Resolver resolver(executor(), asking(server));
  const auto code = [&](const std::string& host) {
    const auto found = lookup(resolver, host);
    EXPECT_FALSE(found) << host;
    return found.error().code;
  };
  EXPECT_EQ(code("unknown.example"), ErrorCode::not_found);
  EXPECT_EQ(code("none.example"), ErrorCode::not_found);
  EXPECT_EQ(code("broken.example"), ErrorCode::unavailable);
  EXPECT_EQ(code("half.example"), ErrorCode::unavailable);
  EXPECT_EQ(code("other-half.example"), ErrorCode::unavailable);
  EXPECT_EQ(code("silent.example"), ErrorCode::unavailable);
  for (const std::string host : {"", "a b", "a\r\nb", "\xe3\x81\x82.example", "a..b", "a/b"}) {
    EXPECT_EQ(code(host), ErrorCode::invalid) << host;
  }
  EXPECT_TRUE(lookup(resolver, "v4.example")) << "one family is enough";
}

TEST_F(ResolverTest, AnswersManyQuestionsAtOnce) {
  std::map<NameServer::Key, Answers> known;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "h" + std::to_string(i) + ".example";
    known[{name, 1}] = {0, {"192.0.2." + std::to_string(i)}};
    known[{name, 28}] = {};
  }
  NameServer server(known);
  Resolver::Options options = asking(server);
  options.timeout = 5s;
  Resolver resolver(executor(), options);
  int right = 0;
  for (int i = 0; i < 100; ++i) {
    spawn([](Resolver& in, int number, int& count) -> asio::awaitable<void> {
      const std::string name = "h" + std::to_string(number) + ".example";
      const auto found = co_await in.addresses(name);
      if (found && found->front().text() == "192.0.2." + std::to_string(number)) ++count;
    }(resolver, i, right));
  }
  run();
  EXPECT_EQ(right, 100);
}

TEST_F(ResolverTest, EndsPendingLookupsWhenItGoes) {
  NameServer server({{{"silent.example", 1}, {-1, {}}}, {{"silent.example", 28}, {-1, {}}}});
  Resolver::Options options = asking(server);
  options.timeout = 20s;
  auto resolver = std::make_unique<Resolver>(executor(), options);
  ErrorCode code = ErrorCode::invalid;
  spawn([](Resolver& in, ErrorCode& out) -> asio::awaitable<void> {
    const auto found = co_await in.addresses("silent.example");
    if (!found) out = found.error().code;
  }(*resolver, code));
  context.poll();
  resolver.reset();
  run();
  EXPECT_EQ(code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace ecrelay::net

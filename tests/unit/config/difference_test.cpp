#include "config/difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "config/reference.h"

namespace ecrelay::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Shop shop(const std::string& id) {
  Shop result;
  result.id = result.name = id;
  Domain domain;
  domain.name = id + ".example";
  DkimKey key;
  key.selector = "r1";
  key.key.reference = "file:keys/" + id + ".pem";
  key.key.value = Secret("the key of " + id);
  domain.dkim.push_back(key);
  result.domains.push_back(domain);
  return result;
}

Settings settings() {
  Settings result;
  result.hostname = "relay.example.jp";
  result.shops = {shop("shop-a"), shop("shop-b")};
  Upstream upstream;
  upstream.name = "default";
  Server server;
  server.address = {"smtp.example.net", 587};
  upstream.servers.push_back(server);
  UpstreamLogin login;
  login.user = "relay";
  login.password.reference = "file:secrets/upstream";
  login.password.value = Secret("hunter2");
  upstream.auth = login;
  result.upstreams.push_back(upstream);
  return result;
}

std::vector<std::string> between(const Settings& before, const Settings& after) {
  std::vector<std::string> lines;
  for (const Difference& each : differences(before, after)) lines.push_back(each.text());
  return lines;
}

TEST(Differences, OfEqualSettingsThereAreNone) {
  EXPECT_THAT(between(settings(), settings()), IsEmpty());
}

TEST(Differences, AreToldByKeyPathWithEntriesByTheirNames) {
  Settings after = settings();
  after.shops[1].limits.messages_per_day = 1000;
  after.limits.connections = 3000;
  after.upstreams[0].servers[0].weight = 2;
  after.retry.schedule = {std::chrono::minutes(1)};
  EXPECT_THAT(between(settings(), after),
              ElementsAre("shops[shop-b].limits.messages_per_day: none -> 1000",
                          "upstreams[default].servers[smtp.example.net:587].weight: 1 -> 2",
                          "retry.schedule: [1m, 5m, 15m, 30m, 1h, 2h, 4h] -> [1m]",
                          "limits.connections: 2000 -> 3000"));
}

TEST(Differences, AnEntryThatComesOrGoesIsOneAndItsOrderIsNone) {
  Settings after = settings();
  after.shops = {shop("shop-b"), shop("shop-c")};
  EXPECT_THAT(between(settings(), after),
              ElementsAre("shops[shop-a]: removed", "shops[shop-c]: added"));
  after.shops = {shop("shop-b"), shop("shop-a")};
  EXPECT_THAT(between(settings(), after), IsEmpty());
}

TEST(Differences, SecretsAreComparedAndNeverShown) {
  Settings after = settings();
  after.shops[0].domains[0].dkim[0].key.value = Secret("another key");
  after.upstreams[0].auth->password.value = Secret("letmein");
  const auto lines = between(settings(), after);
  EXPECT_THAT(lines, ElementsAre("shops[shop-a].domains[shop-a.example].dkim[r1].key: "
                                 "file:keys/shop-a.pem -> file:keys/shop-a.pem (other content)",
                                 "upstreams[default].auth.password: file:secrets/upstream -> "
                                 "file:secrets/upstream (other content)"));
}

TEST(Differences, APasswordHashIsMasked) {
  Settings before = settings();
  User user;
  user.name = "taro";
  user.password.reference = "crypt:";
  user.password.hash = Secret("$y$one");
  before.shops[0].users.push_back(user);
  Settings after = before;
  after.shops[0].users[0].password.hash = Secret("$y$two");
  const auto lines = between(before, after);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], HasSubstr("(other content)"));
  EXPECT_THAT(lines[0], Not(HasSubstr("$y$")));
}

TEST(Differences, ASectionThatComesOrGoesIsTold) {
  Settings after = settings();
  after.upstreams[0].auth.reset();
  after.shops[0].billing = Billing();
  EXPECT_THAT(between(settings(), after),
              ElementsAre("shops[shop-a].billing: added", "upstreams[default].auth: removed"));
}

TEST(Differences, EntriesOfOneNameAreToldApartByTheirOrder) {
  Settings before = settings();
  before.listeners.resize(2);
  Settings after = before;
  after.listeners[1].tls = ListenerTls::implicit;
  EXPECT_EQ(between(before, after).size(), 1U);
  EXPECT_THAT(between(before, after)[0], HasSubstr("#2].tls: off -> implicit"));
}

TEST(Differences, SayWhatNeedsARestart) {
  Settings after = settings();
  after.node = "relay-2";
  after.state_dir = "/srv/ecrelay";
  after.control.socket = "/run/other.sock";
  after.control.http = SocketAddress{*IpAddress::parse("127.0.0.1"), 8025};
  after.dkim.signers = 4;
  after.dkim.engine = DkimEngine::libopendkim;
  after.log.target.file = "/var/log/ecrelay.log";
  after.hostname = "relay-2.example.jp";
  after.log.level = LogLevel::debug;
  std::set<std::string> restart;
  for (const Difference& each : differences(settings(), after))
    if (each.restart) restart.insert(each.path);
  EXPECT_THAT(restart, ElementsAre("control.http", "control.socket", "dkim.engine", "dkim.signers",
                                   "log.target", "node", "state_dir"));
}

/// Every key of the reference is compared: a new one cannot be forgotten.
TEST(Differences, NameTheKeysThatTheReferenceMarks) {
  std::set<std::string> marked;
  for (const ReferenceEntry& entry : reference_entries())
    if (entry.text.find("changed by a restart only") != std::string::npos)
      marked.insert(entry.path);
  EXPECT_EQ(marked.size(), 7U);
}

TEST(SameUpstream, LooksAtEveryKeyAndBehindSecrets) {
  const Upstream one = settings().upstreams[0];
  EXPECT_TRUE(same(one, settings().upstreams[0]));
  Upstream other = one;
  other.timeouts.idle = std::chrono::seconds(1);
  EXPECT_FALSE(same(one, other));
  other = one;
  other.auth->password.value = Secret("letmein");
  EXPECT_FALSE(same(one, other));
}

}  // namespace
}  // namespace ecrelay::config

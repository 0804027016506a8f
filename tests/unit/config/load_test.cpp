#include <set>

#include "config/print.h"
#include "config/reference.h"
#include "support.h"

namespace ecrelay::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ConfigLoad, EverythingButTheEssentialsHasADefault) {
  const TestFolder folder;
  const LoadOutcome outcome = folder.load(minimal);
  ASSERT_TRUE(outcome.settings) << joined(texts(outcome.errors, folder));
  EXPECT_EQ(print(*outcome.settings), R"(version: 1
node: relay
hostname: relay.example.jp
state_dir: /var/lib/ecrelay
listeners:
  - address: 127.0.0.1:2525
    tls: off
hosts:
  - name: app
    networks: [127.0.0.1/32]
    shops: ["*"]
    auth: none
    suppressed: accept
shops:
  - id: shop
    name: shop
    domains:
      - name: shop.example
        forward_reports: false
        dkim: []
        unpublished: sign
        dns: shop
    users: []
    upstream: default
    mode: live
    stopped: false
    weight: 1
    in_doubt: retry
    failure_reports: true
    limits:
      {}
upstreams:
  - name: default
    servers:
      - address: 127.0.0.1:2526
        priority: 10
        weight: 1
    tls: verify
    connections: 20
    messages_per_connection: 100
    recipients_per_message: 100
    destinations: []
    signatures: [rsa-sha256, ed25519-sha256]
    timeouts:
      connect: 30s
      greeting: 5m
      command: 5m
      data: 2m
      block: 3m
      end_of_data: 10m
      idle: 20s
    breaker:
      failures: 5
      pause: 30s
      longest_pause: 2m
billing:
  prices:
    - from: 2024-07-01
      yen: "0.1"
      unit: message
retry:
  schedule: [1m, 5m, 15m, 30m, 1h, 2h, 4h]
  expire: 2d
suppression:
  dry_run: false
  rules: []
  points_window: 30d
  mailbox:
    points: 3
    days: 3
    span: 7d
  delivery:
    points: 5
    days: 5
    span: 14d
  quiet_after_delivery: 3d
  lifetimes:
    hard: [180d, 360d, 720d]
    points: [30d, 90d, 180d]
    domain: [30d]
  spread_shops: 2
  spread_window: 30d
  domain_confirmation: 1d
  breaker:
    percent: 20
    finals: 50
    window: 1h
    times_usual: 5
reports:
  networks: [0.0.0.0/0, ::/0]
  lifetime: 10d
  tls: off
limits:
  message_size: 25MiB
  recipients: 1000
  line: 64KiB
  command_line: 2KiB
  header_size: 256KiB
  header_fields: 1000
  received_hops: 50
  connections: 2000
  connections_per_host: 500
  queue: 5000000
  bulk_after: 300
  memory: 256MiB
  disk_reserve: 1GiB
  minimum_rate: 1KiB
  handshake_timeout: 10s
  command_timeout: 5m
  message_timeout: 10m
  session_timeout: 1h
  commit_timeout: 4s
  protocol_errors: 10
  failed_logins: 5
  idle_commands: 1000
  bdat_chunks: 10000
  unsent_replies: 64KiB
  login_memory: 5m
log:
  level: info
  format: json
  target: stdout
  mask_addresses: off
  refusals_per_minute: 10
control:
  socket: /run/ecrelay/control.sock
dkim:
  engine: cached
  signers: 0
  keep_replaced: 7d
dns:
  authority_port: 53
  spf: []
  dmarc: v=DMARC1; p=none
tls:
  minimum: 1.2
)");
}

TEST(ConfigLoad, ReadsEveryKeyIntoItsOwnMember) {
  const TestFolder folder;
  write_full_files(folder);
  const LoadOutcome outcome = folder.load(full);
  ASSERT_TRUE(outcome.settings) << joined(texts(outcome.errors, folder));
  auto printed = lines_of(print(*outcome.settings));
  auto expected = lines_of(full);
  std::erase(expected, "include: [conf.d/*.yaml]");
  // What is printed says in full what the file may leave short.
  const std::string here = folder.path().string() + "/";
  for (std::string& line : expected) {
    if (line == "state_dir: state") line = "state_dir: " + here + "state";
    if (line == "    ca: ca.pem") line = "    ca: " + here + "ca.pem";
    if (line == "  target: file:log/ecrelay.log")
      line = "  target: file:" + here + "log/ecrelay.log";
    if (line == "  socket: control.sock") line = "  socket: " + here + "control.sock";
    if (line == "      trusted: [10.0.0.5]") line = "      trusted: [10.0.0.5/32]";
    if (line == "  quiet_after_delivery: 73h") line = "  quiet_after_delivery: 3d1h";
    if (line == "  domain_confirmation: 25h") line = "  domain_confirmation: 1d1h";
  }
  EXPECT_EQ(joined(printed), joined(expected));
}

TEST(ConfigLoad, TheFullFileOfTheTestsHasEveryKeyOfTheReference) {
  std::set<std::string> keys;
  for (const std::string& path : paths_of_lines(full)) keys.insert(path);
  std::set<std::string> reference;
  for (const ReferenceEntry& entry : reference_entries()) reference.insert(entry.path);
  EXPECT_EQ(keys, reference);
}

TEST(ConfigLoad, PrintsWhatLoadsToTheSameAgain) {
  const TestFolder folder;
  write_full_files(folder);
  for (const std::string_view text : {minimal, full}) {
    const LoadOutcome first = folder.load(text);
    ASSERT_TRUE(first.settings);
    const std::string printed = print(*first.settings);
    const LoadOutcome second = folder.load(printed);
    ASSERT_TRUE(second.settings) << joined(texts(second.errors, folder));
    EXPECT_EQ(print(*second.settings), printed);
  }
}

TEST(ConfigLoad, PrintsNamesThatYamlCouldMistakeSoThatTheyLoadAgain) {
  const TestFolder folder;
  for (const std::string name :
       {"true", "~", "null", "1.5", "- x", "a: b", "#", "*", "'", "\\\"", "[x", "{x", "ショップ",
        " padded ", "off", "!tag", "%", "@", "`"}) {
    SCOPED_TRACE(name);
    std::string quoted = name;
    for (std::size_t i = 0; (i = quoted.find('\'', i)) != std::string::npos; i += 2) {
      quoted.insert(i, 1, '\'');
    }
    const LoadOutcome first = folder.load(
        minimal_with("shops: [{id: s, name: '" + quoted + "', domains: [{name: x.jp}]}]"));
    ASSERT_TRUE(first.settings) << joined(texts(first.errors, folder));
    EXPECT_EQ(first.settings->shops[0].name, name);
    const LoadOutcome second = folder.load(print(*first.settings));
    ASSERT_TRUE(second.settings) << joined(texts(second.errors, folder));
    EXPECT_EQ(second.settings->shops[0].name, name);
  }
}

TEST(ConfigLoad, ListsEveryErrorAtOnceWithPositionAndSuggestion) {
  const TestFolder folder;
  const LoadOutcome outcome = folder.load(R"(verson: 2
hostnmae: relay.example.jp
listeners:
  - {address: "0.0.0.0:25", tls: requird}
  - {address: 0.0.0.0, tls: off, tls: on}
hosts:
  - {name: a, networks: 10.0.0.0/8, shops: ["*"]}
  - {name: a, networks: [10.0.0.1/8, 0.0.0.0/0], shops: [shop-b]}
shops:
  - id: shop-a
    name: {ショップ: A}
    domains: [{name: ショップ.example}, {name: shop-a.example, dkim: [{selector: r1, key: file:none.pem}]}]
    users: [{name: u, password: hunter2}]
    upstream: defalt
    limits: {messages_per_second: "50", yen_per_month: 0.5}
upstreams:
  - name: default
    servers: [{address: "smtp.example.net:587"}]
    auth: {user: relay, password: hunter2}
    tls: off
retry: {schedule: [1m, 5 minutes], expire: 2}
limits: {message_size: 25MB, recipients: 0}
log: json
)");
  EXPECT_FALSE(outcome.settings);
  EXPECT_THAT(
      texts(outcome.errors, folder),
      ElementsAre(
          "test.yaml:1:1: error: unknown key 'verson'; did you mean 'version'?",
          "test.yaml:2:1: error: unknown key 'hostnmae'; did you mean 'hostname'?",
          "test.yaml:4:34: error: tls: 'requird' is not off | opportunistic | required | implicit; "
          "did you mean 'required'?",
          "test.yaml:5:15: error: address: '0.0.0.0' is not an address and port (\"0.0.0.0:25\", "
          "\"[::1]:25\")",
          "test.yaml:5:34: error: duplicate key 'tls'; first on line 5",
          "test.yaml:7:25: error: networks: a single value where a list belongs; put it in "
          "brackets: [VALUE]",
          "test.yaml:8:12: error: name: host 'a' is there already; first at test.yaml:7",
          "test.yaml:8:26: error: networks: '10.0.0.1/8' is not a network (10.0.1.0/24, no bits "
          "set beyond the prefix)",
          "test.yaml:8:38: error: networks: 0.0.0.0/0 would relay for strangers; narrow it to /16 "
          "(IPv6: /32) or less, or ask for auth: required",
          "test.yaml:8:58: error: shops: there is no shop 'shop-b'; did you mean 'shop-a'?",
          "test.yaml:11:11: error: name: a map where text belongs",
          "test.yaml:12:22: error: name: 'ショップ.example' is not a domain name (write its "
          "A-label, xn--…; idn2 shows it)",
          "test.yaml:12:87: error: key: none.pem: No such file or directory",
          "test.yaml:13:33: error: password: a plain password is never written into the "
          "configuration; write \"crypt:HASH\"; mkpasswd -m yescrypt makes one",
          "test.yaml:14:15: error: upstream: there is no upstream 'defalt'; did you mean "
          "'default'?",
          "test.yaml:15:35: error: messages_per_second: quoted text where a plain value belongs; "
          "leave the quotes out",
          "test.yaml:15:56: error: yen_per_month: decimal yen must be quoted: YAML reads a plain "
          "one as a float; write \"0.5\"",
          "test.yaml:19:11: error: auth: the password could travel in clear; tls: verify, implicit "
          "or required",
          "test.yaml:19:35: error: password: a secret is never written into the configuration; "
          "refer to it: file:PATH, credential:NAME or env:NAME",
          "test.yaml:21:24: error: schedule: '5 minutes' is not a duration (30s, 5m, 1h30m, 2d)",
          "test.yaml:21:44: error: expire: '2' is not a duration (30s, 5m, 1h30m, 2d)",
          "test.yaml:22:24: error: message_size: '25MB' is not a size (64KiB, 10MiB, 1GiB, or "
          "bytes)",
          "test.yaml:22:42: error: recipients: 0 is out of range: 100 to 100000",
          "test.yaml:23:6: error: log: a single value where a map of keys belongs"));
}

TEST(ConfigLoad, NamesEachRequiredKeyThatIsMissing) {
  const TestFolder folder;
  const LoadOutcome outcome = folder.load(R"(listeners: [{tls: off}]
hosts: [{auth: none}]
shops: [{name: x}, {id: s, domains: [{dkim: [{}]}], users: [{}]}]
upstreams: [{servers: [{}], auth: {}}]
billing: {prices: [{}]}
)");
  EXPECT_THAT(texts(outcome.errors, folder),
              ElementsAre("test.yaml:1:1: error: 'hostname' is missing",
                          "test.yaml:1:13: error: listeners: 'address' is missing",
                          "test.yaml:2:9: error: hosts: 'name' is missing",
                          "test.yaml:2:9: error: hosts: 'networks' is missing",
                          "test.yaml:2:9: error: hosts: 'shops' is missing",
                          "test.yaml:3:9: error: shops: 'id' is missing",
                          "test.yaml:3:9: error: shops: 'domains' is missing",
                          "test.yaml:3:38: error: domains: 'name' is missing",
                          "test.yaml:3:46: error: dkim: 'selector' is missing",
                          "test.yaml:3:46: error: dkim: 'key' is missing",
                          "test.yaml:3:61: error: users: 'name' is missing",
                          "test.yaml:3:61: error: users: 'password' is missing",
                          "test.yaml:4:13: error: upstreams: 'name' is missing",
                          "test.yaml:4:24: error: servers: 'address' is missing",
                          "test.yaml:4:35: error: auth: 'user' is missing",
                          "test.yaml:4:35: error: auth: 'password' is missing",
                          "test.yaml:5:20: error: prices: 'from' is missing",
                          "test.yaml:5:20: error: prices: 'yen' is missing"));
}

TEST(ConfigLoad, AsksForAtLeastOneOfEachThatIsNeeded) {
  const TestFolder folder;
  const LoadOutcome outcome = folder.load("hostname: relay.example.jp\nlisteners: []\n");
  EXPECT_THAT(
      texts(outcome.errors, folder),
      ElementsAre("test.yaml:1:1: error: hosts: no host is authorized, so nobody could send",
                  "test.yaml:1:1: error: shops: there is no shop to send for",
                  "test.yaml:1:1: error: upstreams: there is no upstream to send to",
                  "test.yaml:2:12: error: listeners: an empty list"));
}

TEST(ConfigLoad, SaysWhatIsWrongWithTheFileItself) {
  const TestFolder folder;
  const auto only_error = [&](const std::filesystem::path& path) {
    return joined(texts(load(path).errors, folder));
  };
  EXPECT_EQ(only_error(folder.path() / "none.yaml"),
            "none.yaml:1:1: error: cannot read: No such file or directory\n");
  std::filesystem::create_directory(folder.path() / "folder.yaml");
  EXPECT_EQ(only_error(folder.path() / "folder.yaml"),
            "folder.yaml:1:1: error: cannot read: not a regular file\n");
  ASSERT_EQ(mkfifo((folder.path() / "fifo.yaml").c_str(), 0600), 0);
  EXPECT_EQ(only_error(folder.path() / "fifo.yaml"),
            "fifo.yaml:1:1: error: cannot read: not a regular file\n");
  EXPECT_EQ(only_error(folder.write("open.yaml", minimal, 0602)),
            "open.yaml:1:1: error: everybody may write to this file; chmod o-w\n");
  EXPECT_EQ(only_error(folder.write("empty.yaml", "# nothing\n")),
            "empty.yaml:1:1: error: the file is empty\n");
}

TEST(ConfigLoad, AProblemStaysOneLineWhateverTheFileHolds) {
  const TestFolder folder;
  const LoadOutcome outcome = folder.load(
      minimal_with("\"\\e]0;x\\a\\n\": 1\nnode: \"a\\r\\nb\"\nlog: {level: \"\\u202e\"}"));
  for (const std::string& line : texts(outcome.errors, folder)) {
    EXPECT_EQ(line.find_first_of("\x1b\x07\r\n"), std::string::npos) << line;
    EXPECT_EQ(line.find("\u202e"), std::string::npos) << line;
  }
  EXPECT_EQ(outcome.errors.size(), 3U);
}

TEST(ConfigLoad, RelativePathsAreRelativeToTheFileWhereverWeStand) {
  const TestFolder folder;
  const LoadOutcome outcome = folder.load(minimal_with("state_dir: ../state"));
  ASSERT_TRUE(outcome.settings);
  EXPECT_EQ(outcome.settings->state_dir, folder.path().parent_path() / "state");
}

TEST(ConfigLoad, DomainNamesAreBroughtToLowerCase) {
  const TestFolder folder;
  const LoadOutcome outcome = folder.load(
      minimal_with("shops: [{id: s, domains: [{name: Shop.EXAMPLE}, {name: shop.example}]}]"));
  EXPECT_THAT(texts(outcome.errors, folder),
              ElementsAre("test.yaml:4:56: error: name: domain 'shop.example' is there already; "
                          "first at test.yaml:4"));
}

}  // namespace
}  // namespace ecrelay::config

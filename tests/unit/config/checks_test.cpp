#include "support.h"

namespace ecrelay::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Checks : public ::testing::Test {
 protected:
  Checks() { write_full_files(folder_); }

  std::vector<std::string> errors(const std::string& text) {
    return texts(folder_.load(text).errors, folder_);
  }
  std::vector<std::string> warnings(const std::string& text) {
    const LoadOutcome outcome = folder_.load(text);
    EXPECT_TRUE(outcome.settings) << joined(texts(outcome.errors, folder_));
    auto all = texts(outcome.warnings, folder_);
    std::erase_if(all, [](const auto& line) { return line.find("DKIM") != std::string::npos; });
    return all;
  }

  TestFolder folder_;
};

// ---- nothing relays for strangers (promise P5) ----

struct Stranger {
  std::string network;
  std::string auth;
  std::string tls;
  std::string outcome;  ///< "ok", "warning", or a part of the error

  friend std::ostream& operator<<(std::ostream& out, const Stranger& s) {
    return out << s.network << ", " << s.auth << ", tls: " << s.tls;
  }
};

class RelaysForStrangers : public Checks, public ::testing::WithParamInterface<Stranger> {};

TEST_P(RelaysForStrangers, IsRefusedHoweverItIsSet) {
  const Stranger& given = GetParam();
  const std::string files =
      given.tls == "off" ? "" : ", certificate: file:keys/chain.pem, key: file:keys/tls.pem";
  const LoadOutcome outcome = folder_.load(
      "hostname: relay.example.jp\n"
      "listeners: [{address: \"0.0.0.0:25\", tls: " +
      given.tls + files +
      "}]\n"
      "hosts: [{name: h, networks: [" +
      given.network + "], shops: [\"*\"], " + given.auth +
      "}]\n"
      "shops: [{id: s, domains: [{name: s.jp}], users: [{name: u, password: file:keys/hash}]}]\n"
      "upstreams: [{name: default, servers: [{address: \"127.0.0.1:2526\"}]}]\n");
  const std::string said = joined(texts(outcome.errors, folder_));
  if (given.outcome == "ok" || given.outcome == "warning") {
    EXPECT_EQ(said, "");
    EXPECT_EQ(joined(texts(outcome.warnings, folder_)).find("wide") != std::string::npos,
              given.outcome == "warning");
  } else {
    EXPECT_THAT(said, HasSubstr(given.outcome));
    EXPECT_EQ(outcome.errors.size(), 1U) << said;
  }
}

constexpr auto open_relay = "would relay for strangers";
constexpr auto in_clear = "they can reach a listener without TLS";
constexpr auto no_tls = "no listener that this host reaches has it";
constexpr auto none = "auth: none";
constexpr auto login = "auth: required";
constexpr auto certificate =
    "certificate: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

INSTANTIATE_TEST_SUITE_P(
    ConfigHosts, RelaysForStrangers,
    ::testing::Values(
        Stranger{"0.0.0.0/0", none, "off", open_relay},
        Stranger{"0.0.0.0/0", none, "implicit", open_relay},
        Stranger{"\"::/0\"", none, "required", open_relay},
        Stranger{"0.0.0.0/1", none, "off", open_relay},
        Stranger{"128.0.0.0/1", none, "off", open_relay},
        Stranger{"3.0.0.0/8", none, "off", open_relay},
        Stranger{"202.0.0.0/15", none, "off", open_relay},
        Stranger{"10.0.0.0/7", none, "off", open_relay},
        Stranger{"8.0.0.0/6", none, "off", open_relay},
        Stranger{"172.0.0.0/8", none, "off", open_relay},
        Stranger{"\"2001:d00::/24\"", none, "off", open_relay},
        Stranger{"\"2000::/3\"", none, "off", open_relay},
        Stranger{"\"f800::/5\"", none, "off", open_relay},
        Stranger{"\"64:ff9b::/96\"", none, "off", open_relay},
        Stranger{"\"64:ff9b::a00:0/104\"", none, "off", open_relay},
        Stranger{"\"::ffff:0.0.0.0/0\"", none, "off", open_relay},
        Stranger{"\"::ffff:0.0.0.0/96\"", none, "off", "is not a network"},
        Stranger{"", none, "off", "an empty list"},
        Stranger{"203.0.0.0/16", none, "off", "warning"},
        Stranger{"\"2001:db8::/32\"", none, "off", "warning"},
        Stranger{"203.0.113.0/24", none, "off", "ok"},
        Stranger{"\"2001:db8::/48\"", none, "off", "ok"}, Stranger{"10.0.0.0/8", none, "off", "ok"},
        Stranger{"192.168.0.0/16", none, "off", "ok"}, Stranger{"100.64.0.0/10", none, "off", "ok"},
        Stranger{"127.0.0.0/8", none, "off", "ok"}, Stranger{"\"fd00::/8\"", none, "off", "ok"},
        Stranger{"0.0.0.0/0", login, "opportunistic", in_clear},
        Stranger{"\"::/0\"", certificate, "opportunistic", in_clear},
        Stranger{"0.0.0.0/0", login, "required", "ok"},
        Stranger{"\"::/0\"", login, "implicit", "ok"},
        Stranger{"0.0.0.0/0", certificate, "required", "ok"},
        Stranger{"10.0.0.0/8", login, "off", no_tls},
        Stranger{"10.0.0.0/8", certificate, "off", no_tls},
        Stranger{"10.0.0.0/8", login, "opportunistic", "ok"}));

TEST_F(Checks, AHostByTheNameInItsCertificateNeedsACaForClients) {
  const auto with = [&](const std::string& tls, const std::string& identity) {
    return errors(
        "hostname: r.jp\n" + tls +
        "listeners: [{address: \"0.0.0.0:25\", tls: required, certificate: file:keys/chain.pem, "
        "key: file:keys/tls.pem}]\n"
        "hosts: [{name: h, networks: [10.0.0.1], shops: [\"*\"], certificate: " +
        identity +
        "}]\n"
        "shops: [{id: s, domains: [{name: s.jp}]}]\n"
        "upstreams: [{name: default, servers: [{address: \"127.0.0.1:2526\"}]}]\n");
  };
  EXPECT_THAT(
      with("", "app-1.example.jp"),
      ElementsAre(HasSubstr("a name counts where a CA vouches for it, and none is set; tls: "
                            "{client_ca: file:PATH}")));
  EXPECT_THAT(with("tls: {client_ca: file:keys/chain.pem}\n", "app-1.example.jp"), IsEmpty());
  EXPECT_THAT(with("", std::string(64, 'a')), IsEmpty());
}

TEST_F(Checks, AWideHostWithALoginMayNotReachAnyListenerInClear) {
  const std::string tls =
      ", tls: required, certificate: file:keys/chain.pem, key: file:keys/tls.pem}";
  const auto with_second = [&](const std::string& second) {
    return errors(
        "hostname: r.jp\nlisteners: [{address: \"0.0.0.0:587\"" + tls + ", {address: \"" + second +
        "\"}]\n"
        "hosts: [{name: h, networks: [0.0.0.0/0], shops: [\"*\"], auth: required}]\n"
        "shops: [{id: s, domains: [{name: s.jp}], users: [{name: u, password: file:keys/hash}]}]\n"
        "upstreams: [{name: default, servers: [{address: \"127.0.0.1:2526\"}]}]\n");
  };
  EXPECT_THAT(with_second("10.0.0.1:25"), ElementsAre(HasSubstr(in_clear)));
  EXPECT_THAT(with_second("127.0.0.1:25"), IsEmpty());  // nobody from outside can reach it
}

TEST_F(Checks, AWideNetworkOfTrustedProxiesIsRefused) {
  for (const std::string network : {"0.0.0.0/0", "203.0.0.0/16", "\"::/0\""}) {
    EXPECT_THAT(errors(minimal_with("listeners: [{address: \"0.0.0.0:25\", proxy_protocol: "
                                    "{trusted: [" +
                                    network + "]}}]")),
                ElementsAre(HasSubstr("is too wide to trust")));
  }
  EXPECT_THAT(errors(minimal_with("listeners: [{address: \"0.0.0.0:25\", proxy_protocol: "
                                  "{trusted: [10.0.0.0/24]}}]")),
              IsEmpty());
  EXPECT_THAT(errors(minimal_with("listeners: [{address: \"0.0.0.0:25\", proxy_protocol: "
                                  "{trusted: []}}]")),
              ElementsAre("test.yaml:2:63: error: trusted: an empty list"));
}

// ---- names and references ----

TEST_F(Checks, NamesAreTakenOnce) {
  EXPECT_THAT(
      errors("hostname: r.jp\n"
             "listeners: [{address: \"127.0.0.1:25\"}]\n"
             "hosts:\n"
             "  - {name: h, networks: [10.0.0.1], shops: [\"*\"]}\n"
             "  - {name: h, networks: [10.0.0.1/32], shops: [\"*\"]}\n"
             "shops:\n"
             "  - {id: s, domains: [{name: a.jp, dkim: [{selector: x, key: file:keys/tls.pem}, "
             "{selector: X, key: file:keys/tls.pem}]}], users: [{name: u, password: "
             "file:keys/hash}]}\n"
             "  - {id: s, domains: [{name: A.JP}], users: [{name: u, password: file:keys/hash}]}\n"
             "upstreams:\n"
             "  - {name: default, servers: [{address: \"127.0.0.1:2526\"}]}\n"
             "  - {name: default, servers: [{address: \"127.0.0.1:2526\"}]}\n"),
      ElementsAre("test.yaml:5:12: error: name: host 'h' is there already; first at test.yaml:4",
                  "test.yaml:5:26: error: networks: network '10.0.0.1/32' is there already; first "
                  "at test.yaml:4",
                  "test.yaml:7:93: error: selector: selector 'x' is there already; first at "
                  "test.yaml:7",
                  "test.yaml:8:10: error: id: shop 's' is there already; first at test.yaml:7",
                  "test.yaml:8:30: error: name: domain 'a.jp' is there already; first at "
                  "test.yaml:7",
                  "test.yaml:8:53: error: name: user 'u' is there already; first at test.yaml:7",
                  "test.yaml:11:12: error: name: upstream 'default' is there already; first at "
                  "test.yaml:10"));
}

TEST_F(Checks, AnUnreadableNameIsNotFollowedByErrorsAboutReferencesToIt) {
  EXPECT_THAT(errors(minimal_with(
                  "upstreams: [{nmae: default, servers: [{address: \"127.0.0.1:2526\"}]}]")),
              ElementsAre("test.yaml:5:14: error: upstreams: unknown key 'nmae'; did you mean "
                          "'name'?"));
}

TEST_F(Checks, AReturnPathBelongsToOneShopToo) {
  const std::string reports =
      "reports: {listen: \"0.0.0.0:2526\", secret: file:keys/return-path}\n";
  const auto with_shops = [&](const std::string& shops) {
    return errors(minimal_with("shops: [" + shops + "]") + reports);
  };
  EXPECT_THAT(with_shops("{id: a, domains: [{name: a.jp, return_path: b.jp}]}, "
                         "{id: b, domains: [{name: b.jp}]}"),
              ElementsAre("test.yaml:4:53: error: return_path: 'b.jp' belongs to shop 'b'"));
  EXPECT_THAT(with_shops("{id: a, domains: [{name: a.jp, return_path: r.jp}]}, "
                         "{id: b, domains: [{name: b.jp, return_path: r.jp}]}"),
              ElementsAre("test.yaml:4:106: error: return_path: 'r.jp' is the return path of shop "
                          "'a'"));
  EXPECT_THAT(with_shops("{id: a, domains: [{name: a.jp, return_path: r.jp}, "
                         "{name: b.jp, return_path: r.jp}]}"),
              IsEmpty());
}

TEST_F(Checks, AReturnPathNeedsASecretAndShouldBeListenedFor) {
  const std::string shops = "shops: [{id: s, domains: [{name: s.jp, return_path: b.s.jp}]}]";
  EXPECT_THAT(
      errors(minimal_with(shops)),
      ElementsAre("test.yaml:4:53: error: return_path: return paths need a secret that signs "
                  "them; reports: {secret: file:PATH}"));
  EXPECT_THAT(warnings(minimal_with(shops) + "reports: {secret: file:keys/return-path}\n"),
              ElementsAre(HasSubstr("nothing listens for what comes back")));
  EXPECT_THAT(errors(minimal_with("reports: {listen: \"0.0.0.0:2526\"}")),
              ElementsAre(HasSubstr("test.yaml:6:19: error: listen: return paths need a secret")));
}

TEST_F(Checks, ASecretIsRotatedByNamingTheOldOneBesideTheNew) {
  folder_.write("keys/new", "0123456789abcdef0123456789abcdef\n");
  const auto outcome = folder_.load(
      minimal_with("reports: {secret: file:keys/new, previous_secret: file:keys/return-path}"));
  ASSERT_TRUE(outcome.settings);
  const std::vector<Secret> secrets = outcome.settings->reports.secrets();
  ASSERT_EQ(secrets.size(), 2U);
  EXPECT_EQ(secrets[0].reveal(), "0123456789abcdef0123456789abcdef");
  EXPECT_THAT(errors(minimal_with("reports: {previous_secret: file:keys/return-path}")),
              ElementsAre(HasSubstr("previous_secret: there is no secret after it")));
}

TEST_F(Checks, AnUnsignedDomainIsWorthAWarning) {
  const LoadOutcome outcome = folder_.load(minimal);
  EXPECT_THAT(texts(outcome.warnings, folder_),
              ElementsAre("test.yaml:4:37: warning: name: 'shop.example' has no DKIM key: its mail "
                          "goes unsigned; ecrelayctl dkim new shop.example --selector r1"));
}

// ---- DNS ----

TEST_F(Checks, WaitingForDnsNeedsSomebodyWhoLooks) {
  const auto shops = [](const std::string& unpublished) {
    return "shops: [{id: s, domains: [{name: shop.example, unpublished: " + unpublished +
           ", dkim: [{selector: r1, key: file:keys/tls.pem}]}]}]\n";
  };
  EXPECT_THAT(errors(minimal_with(shops("hold"))),
              ElementsAre(HasSubstr("nobody would notice that the key is in DNS")));
  EXPECT_THAT(errors(minimal_with(shops("hold") + "dns: {check_every: 6h}")), IsEmpty());
  EXPECT_THAT(errors(minimal_with(shops("operator") + "dns: {check_every: 6h}")),
              ElementsAre(HasSubstr("the operator has no keys")));
  EXPECT_THAT(errors(minimal_with("dns: {spf: [\"inclde:x.example\"], dmarc: v=DMARC1}")),
              ElementsAre(HasSubstr("'inclde:x.example' is no mechanism of SPF"),
                          HasSubstr("not a DMARC record: there is no p=")));
}

// ---- TLS, sockets, secrets in clear ----

TEST_F(Checks, TlsNeedsACertificateAndItsKey) {
  EXPECT_THAT(errors(minimal_with("listeners: [{address: \"127.0.0.1:25\", tls: implicit}]")),
              ElementsAre("test.yaml:2:44: error: tls: TLS needs a certificate; certificate: "
                          "file:PATH",
                          "test.yaml:2:44: error: tls: TLS needs the certificate's key; key: "
                          "file:PATH"));
  EXPECT_THAT(errors(minimal_with("reports: {tls: opportunistic}")).size(), 2U);
  EXPECT_THAT(warnings(minimal_with("listeners: [{address: \"127.0.0.1:25\", certificate: "
                                    "file:keys/chain.pem}]")),
              ElementsAre(HasSubstr("a certificate or key, but tls is off")));
}

TEST_F(Checks, AnAddressIsListenedOnOnce) {
  const std::string reports = "reports: {listen: \"0.0.0.0:25\", secret: file:keys/return-path}\n";
  EXPECT_THAT(errors(minimal_with("listeners: [{address: \"127.0.0.1:25\"}]") + reports),
              ElementsAre("test.yaml:6:19: error: listen: 0.0.0.0:25 is already listened on as "
                          "127.0.0.1:25 (listeners[0].address)"));
  EXPECT_THAT(errors(minimal_with("listeners: [{address: \"127.0.0.1:0\"}, {address: "
                                  "\"127.0.0.1:0\"}, {address: \"[::]:25\"}, {address: "
                                  "\"0.0.0.0:25\"}]")),
              IsEmpty());
}

TEST_F(Checks, TheHttpSocketStaysOnLoopback) {
  EXPECT_THAT(errors(minimal_with("control: {http: \"0.0.0.0:8025\"}")),
              ElementsAre(HasSubstr("test.yaml:6:17: error: http: only a loopback address")));
  EXPECT_THAT(errors(minimal_with("control: {http: \"[::1]:8025\"}")), IsEmpty());
}

TEST_F(Checks, AnUpstreamPasswordNeverTravelsInClear) {
  const auto with_tls = [](const std::string& host, const std::string& tls) {
    return minimal_with("upstreams: [{name: default, servers: [{address: \"" + host +
                        ":587\"}], auth: {user: u, password: file:keys/password}, tls: " + tls +
                        "}]");
  };
  for (const std::string tls : {"off", "opportunistic"}) {
    EXPECT_THAT(errors(with_tls("smtp.example.net", tls)),
                ElementsAre(HasSubstr("the password could travel in clear")));
    EXPECT_THAT(errors(with_tls("127.0.0.1", tls)), IsEmpty());
  }
  EXPECT_THAT(warnings(with_tls("smtp.example.net", "required")),
              ElementsAre(HasSubstr("whoever stands in between can read the password")));
  for (const std::string tls : {"verify", "implicit"}) {
    EXPECT_THAT(warnings(with_tls("smtp.example.net", tls)), IsEmpty());
  }
}

TEST_F(Checks, TheRelayIsNotItsOwnUpstream) {
  for (const std::string server : {"127.0.0.1:25", "localhost:25", "10.0.0.1:26"}) {
    EXPECT_THAT(
        errors("hostname: r.jp\n"
               "listeners: [{address: \"0.0.0.0:25\"}, {address: \"10.0.0.1:26\"}]\n" +
               std::string(minimal.substr(minimal.find("hosts:"),
                                          minimal.find("upstreams:") - minimal.find("hosts:"))) +
               "upstreams: [{name: default, servers: [{address: \"" + server + "\"}]}]\n"),
        ElementsAre(HasSubstr("this is the relay itself")))
        << server;
  }
}

TEST_F(Checks, RetriesBeginBeforeTheyEnd) {
  EXPECT_THAT(errors(minimal_with("retry: {schedule: [1h], expire: 30m}")),
              ElementsAre("test.yaml:6:33: error: expire: ends before the first retry"));
}

TEST_F(Checks, AStarAmongShopsIsASlip) {
  EXPECT_THAT(
      errors(minimal_with("hosts: [{name: h, networks: [127.0.0.1], shops: [\"*\", shop]}]")),
      ElementsAre("test.yaml:3:49: error: shops: '*' stands for all shops, and only alone"));
}

TEST_F(Checks, ALoginWithoutUsersIsWorthAWarning) {
  EXPECT_THAT(
      warnings("hostname: r.jp\nlisteners: [{address: \"0.0.0.0:587\", tls: required, certificate: "
               "file:keys/chain.pem, key: file:keys/tls.pem}]\n"
               "hosts: [{name: h, networks: [10.0.0.1], shops: [\"*\"], auth: required}]\n" +
               std::string(minimal.substr(minimal.find("shops: [{id")))),
      ElementsAre(HasSubstr("none of its shops has users")));
}

// ---- rows of the decision table ----

class OwnRows : public Checks {
 protected:
  /// The errors of a configuration with this row.
  std::string errors_of(const std::string& row) {
    return joined(errors(std::string(minimal) + "suppression:\n  rules:\n  - " + row + "\n"));
  }
};

TEST_F(OwnRows, AreTakenWithAnyCondition) {
  for (const std::string condition :
       {"text: unbekannt verzogen", "text: \"存在しません\"", "text: a * cd", "code: 554",
        "enhanced: 5.7.*", "enhanced: 5.1.351", "server: mx.example.jp", "domain: EXAMPLE.jp",
        "stage: mail"}) {
    EXPECT_EQ(errors_of("{reason: mine, decision: ignore, " + condition + "}"), "") << condition;
  }
  EXPECT_EQ(errors_of("{reason: mine, decision: suppress, text: unbekannt verzogen}"), "");
}

TEST_F(OwnRows, AreCheckedLikeEverythingElse) {
  const std::string start = "{reason: mine, decision: ignore, ";
  EXPECT_THAT(errors_of("{reason: mine, decision: supress, text: unbekannt}"),
              HasSubstr("decision: 'supress' is not none | ignore | count | suppress; did you mean "
                        "'suppress'?"));
  EXPECT_THAT(errors_of(start + "txt: unbekannt}"),
              HasSubstr("unknown key 'txt'; did you mean 'text'?"));
  EXPECT_THAT(errors_of(start + "stage: helo}"), HasSubstr("stage: 'helo' is not any | connect"));
  EXPECT_THAT(errors_of(start + "code: 250}"), HasSubstr("250 is out of range: 400 to 599"));
  for (const std::string status : {"5.7", "2.1.1", "*.1.1", "5.*.1", "5.1.1234", "x"})
    EXPECT_THAT(errors_of(start + "enhanced: \"" + status + "\"}"),
                HasSubstr("is not an enhanced status code"))
        << status;
  for (const std::string text : {"a", "* abc", "abc *", "ab*cd", "...", "\"\""})
    EXPECT_NE(errors_of(start + "text: \"" + text + "\"}"), "") << text;
  EXPECT_THAT(errors_of("{decision: ignore, text: unbekannt}"), HasSubstr("'reason' is missing"));
}

TEST_F(OwnRows, MayNotDecideWithoutHavingHeardAnything) {
  EXPECT_THAT(errors_of("{reason: mine, decision: ignore}"),
              HasSubstr("error: rules: row 'mine' has no condition"));
  EXPECT_THAT(errors_of("{reason: mine, decision: suppress, domain: docomo.ne.jp}"),
              HasSubstr("row 'mine' suppresses: it needs text, enhanced or code"));
}

}  // namespace
}  // namespace ecrelay::config

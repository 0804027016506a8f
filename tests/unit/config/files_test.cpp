#include <algorithm>

#include "config/print.h"
#include "support.h"

/// What the configuration refers to: secrets, certificates, included files; and hostile YAML.
namespace ecrelay::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view private_key =
    "-----BEGIN PRIVATE KEY-----\nkey\n-----END PRIVATE KEY-----\n";
constexpr std::string_view hash = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC";

class Secrets : public ::testing::Test {
 protected:
  ~Secrets() override {
    unsetenv("CREDENTIALS_DIRECTORY");
    unsetenv("ECRELAY_TEST_SECRET");
  }

  LoadOutcome with_key(const std::string& reference) {
    return folder_.load(
        minimal_with("shops: [{id: s, domains: [{name: s.jp, dkim: [{selector: r1, "
                     "key: " +
                     reference + "}]}]}]"));
  }
  std::string error_with_key(const std::string& reference) {
    const auto lines = texts(with_key(reference).errors, folder_);
    EXPECT_EQ(lines.size(), 1U) << reference;
    const std::string prefix = "test.yaml:4:67: error: key: ";
    if (lines.empty() || !lines[0].starts_with(prefix)) return joined(lines);
    return lines[0].substr(prefix.size());
  }

  TestFolder folder_;
};

TEST_F(Secrets, ComeFromFilesCredentialsAndTheEnvironment) {
  folder_.write("key.pem", private_key);
  setenv("CREDENTIALS_DIRECTORY", folder_.path().c_str(), 1);
  setenv("ECRELAY_TEST_SECRET", "-----BEGIN PRIVATE KEY-----", 1);
  for (const std::string reference :
       {"file:key.pem", "credential:key.pem", "env:ECRELAY_TEST_SECRET"}) {
    const LoadOutcome outcome = with_key(reference);
    ASSERT_TRUE(outcome.settings) << joined(texts(outcome.errors, folder_));
    const DkimKey& key = outcome.settings->shops[0].domains[0].dkim[0];
    EXPECT_THAT(key.key.value.reveal(), HasSubstr("BEGIN PRIVATE KEY"));
    EXPECT_EQ(key.key.reference, reference);
    EXPECT_NE(key.key.value.reveal().back(), '\n');
  }
}

TEST_F(Secrets, OfAnySpellingButAReferenceAreRefusedAndNotEchoed) {
  for (const std::string inlined : {"hunter2", "\"-----BEGIN PRIVATE KEY----- hunter2\"",
                                    "File:hunter2", "http://hunter2", "\"hunter2\\nx: y\""}) {
    EXPECT_THAT(error_with_key(inlined), Not(HasSubstr("hunter2")));
  }
}

TEST_F(Secrets, InFilesThatOthersCanReadOrWriteAreRefused) {
  for (const mode_t mode : {0640U, 0620U, 0610U, 0604U, 0602U, 0601U, 0644U, 0666U, 0777U}) {
    folder_.write("key.pem", private_key, mode);
    EXPECT_EQ(error_with_key("file:key.pem"),
              "key.pem is accessible to group or others: chmod 600 would mend it");
  }
  for (const mode_t mode : {0600U, 0400U, 0700U}) {
    folder_.write("key.pem", private_key, mode);
    EXPECT_TRUE(with_key("file:key.pem").settings);
  }
}

TEST_F(Secrets, CredentialsMayShowTheGroupBitsOfSystemdsAcl) {
  setenv("CREDENTIALS_DIRECTORY", folder_.path().c_str(), 1);
  folder_.write("key", private_key, 0440);
  EXPECT_TRUE(with_key("credential:key").settings);
  folder_.write("key", private_key, 0444);
  EXPECT_THAT(error_with_key("credential:key"), HasSubstr("accessible to group or others"));
}

TEST_F(Secrets, OfAnotherUserAreRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file to somebody else";
  const auto key = folder_.write("key.pem", private_key);
  ASSERT_EQ(chown(key.c_str(), 12345, 12345), 0);
  EXPECT_EQ(error_with_key("file:key.pem"), "key.pem belongs to another user (uid 12345)");
}

TEST_F(Secrets, BehindASymbolicLinkAreJudgedByTheFileItself) {
  folder_.write("archive/key1.pem", private_key);
  std::filesystem::create_symlink("archive/key1.pem", folder_.path() / "key.pem");
  EXPECT_TRUE(with_key("file:key.pem").settings);
  folder_.write("archive/key1.pem", private_key, 0644);
  EXPECT_THAT(error_with_key("file:key.pem"), HasSubstr("accessible to group or others"));
}

TEST_F(Secrets, ThatCannotBeReadAreErrorsAtTheirPosition) {
  std::filesystem::create_directory(folder_.path() / "folder");
  ASSERT_EQ(mkfifo((folder_.path() / "fifo").c_str(), 0600), 0);
  folder_.write("empty", "\n");
  folder_.write("large", std::string(64 * 1024 + 1, 'x'));
  folder_.write("public", "-----BEGIN PUBLIC KEY-----\n");
  folder_.write("locked", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
  EXPECT_EQ(error_with_key("file:none"), "none: No such file or directory");
  EXPECT_EQ(error_with_key("file:folder"), "folder: not a regular file");
  EXPECT_EQ(error_with_key("file:fifo"), "fifo: not a regular file");
  EXPECT_EQ(error_with_key("file:empty"), "empty: empty");
  EXPECT_EQ(error_with_key("file:large"), "large: larger than 64 KiB");
  EXPECT_EQ(error_with_key("file:public"), "holds no PEM private key");
  EXPECT_EQ(error_with_key("file:locked"),
            "the key is encrypted: nobody would be there to type its password");
  EXPECT_EQ(error_with_key("\"file:\""), "file: is not followed by a path");
  EXPECT_EQ(error_with_key("\"env:\""), "env: is not followed by a name");
  EXPECT_EQ(error_with_key("env:ECRELAY_TEST_SECRET"),
            "the environment has no ECRELAY_TEST_SECRET");
  EXPECT_EQ(error_with_key("credential:x"),
            "CREDENTIALS_DIRECTORY is not set: systemd sets it for LoadCredential=");
  setenv("CREDENTIALS_DIRECTORY", folder_.path().c_str(), 1);
  for (const std::string name : {"credential:../x", "credential:..", "\"credential:\""}) {
    EXPECT_EQ(error_with_key(name), "credential: is not followed by a name");
  }
}

TEST_F(Secrets, AreNotPrinted) {
  write_full_files(folder_);
  folder_.write("keys/password", "hunter2-upstream\n");
  folder_.write("keys/return-path", "hunter2-return-path\n");
  folder_.write("keys/tls.pem", "-----BEGIN PRIVATE KEY-----\nhunter2-key\n");
  const LoadOutcome outcome = folder_.load(full);
  ASSERT_TRUE(outcome.settings) << joined(texts(outcome.errors, folder_));
  EXPECT_EQ(outcome.settings->upstreams[0].auth->password.value.reveal(), "hunter2-upstream");
  EXPECT_THAT(print(*outcome.settings), Not(HasSubstr("hunter2")));
  EXPECT_THAT(print(*outcome.settings), Not(HasSubstr("$y$")));
}

class Passwords : public Secrets {
 protected:
  LoadOutcome with_password(const std::string& password) {
    return folder_.load(
        minimal_with("shops: [{id: s, domains: [{name: s.jp}], users: [{name: u, "
                     "password: " +
                     password + "}]}]"));
  }
};

TEST_F(Passwords, AreHashesInlineOrByReference) {
  folder_.write("hash", std::string(hash) + "\n");
  for (const std::string& password :
       {"\"crypt:" + std::string(hash) + "\"", std::string("file:hash")}) {
    const LoadOutcome outcome = with_password(password);
    ASSERT_TRUE(outcome.settings) << joined(texts(outcome.errors, folder_));
    EXPECT_EQ(outcome.settings->shops[0].users[0].password.hash.reveal(), hash);
  }
}

TEST_F(Passwords, InPlainOrWeaklyHashedAreRefusedAndNotEchoed) {
  folder_.write("plain", "hunter2\n");
  for (const std::string password :
       {"hunter2", "plain:hunter2", "\"crypt:hunter2\"",
        "\"crypt:$1$hunter2$x0x0x0x0x0x0x0x0x0x0\"", "\"crypt:hunter2hunter2\"",
        "\"crypt:$y$hunter2 hunter2 hunter2\"", "file:plain"}) {
    const auto lines = texts(with_password(password).errors, folder_);
    ASSERT_EQ(lines.size(), 1U) << password;
    EXPECT_THAT(lines[0], HasSubstr("mkpasswd -m yescrypt"));
    EXPECT_THAT(lines[0], Not(HasSubstr("hunter2")));
  }
}

TEST_F(Passwords, ArePrintedMaskedInAFormThatIsNotTakenForAHash) {
  const LoadOutcome outcome = with_password("\"crypt:" + std::string(hash) + "\"");
  ASSERT_TRUE(outcome.settings);
  const std::string printed = print(*outcome.settings);
  EXPECT_THAT(printed, Not(HasSubstr(std::string(hash))));
  EXPECT_THAT(
      texts(folder_.load(printed).errors, folder_),
      ElementsAre(HasSubstr("the hash was masked by --print-config; put the real one back")));
}

TEST_F(Passwords, InAFileThatEverybodyCanReadAreWorthAWarning) {
  const std::string text = minimal_with(
      "shops: [{id: s, domains: [{name: s.jp}], users: [{name: u, "
      "password: \"crypt:" +
      std::string(hash) + "\"}]}]");
  EXPECT_EQ(load(folder_.write("open.yaml", text, 0644)).warnings.size(), 2U);
  EXPECT_EQ(load(folder_.write("closed.yaml", text, 0640)).warnings.size(), 1U);
}

// ---- include ----

class Includes : public ::testing::Test {
 protected:
  LoadOutcome with(const std::string& patterns) {
    return folder_.load(minimal_with("include: " + patterns));
  }
  static std::vector<std::string> shop_ids(const LoadOutcome& outcome) {
    std::vector<std::string> ids;
    if (!outcome.settings) return {"error"};
    for (const Shop& shop : outcome.settings->shops) ids.push_back(shop.id);
    return ids;
  }
  static std::string shop(const std::string& id) {
    return "shops: [{id: " + id + ", domains: [{name: " + id + ".jp}]}]\n";
  }

  TestFolder folder_;
};

TEST_F(Includes, AddShopsInTheOrderOfPatternsAndNames) {
  for (const std::string id : {"b", "a", "Z", "c"})
    folder_.write("conf.d/" + id + ".yaml", shop(id));
  folder_.write("more/d.yaml",
                "upstreams: [{name: u, servers: [{address: \"127.0.0.1:1\"}]}]\n"
                "hosts: [{name: d, networks: [10.0.0.1], shops: [a]}]\n");
  folder_.write("conf.d/.hidden.yaml", shop("hidden"));
  folder_.write("conf.d/notes.txt", shop("notes"));
  const LoadOutcome outcome = with("[more/d.yaml, conf.d/c.yaml, conf.d/*.yaml, conf.e/*.yaml]");
  EXPECT_THAT(shop_ids(outcome), ElementsAre("shop", "c", "Z", "a", "b"))
      << joined(texts(outcome.errors, folder_));
  ASSERT_TRUE(outcome.settings);
  EXPECT_EQ(outcome.settings->upstreams.size(), 2U);
  EXPECT_EQ(outcome.settings->hosts.size(), 2U);
}

TEST_F(Includes, NeverTheMainFileItself) {
  EXPECT_THAT(shop_ids(with("[\"*.yaml\"]")), ElementsAre("shop"));
}

TEST_F(Includes, ReportErrorsInTheIncludedFile) {
  folder_.write("conf.d/a.yaml", "shops:\n  - id: shop\n    domians: [{name: a.jp}]\n");
  folder_.write("conf.d/b.yaml", "upstrams: []\nlog: {level: info}\ninclude: [x]\n" + shop("b"));
  folder_.write("conf.d/c.yaml", "shops: [\n");
  EXPECT_THAT(
      texts(with("[conf.d/*.yaml]").errors, folder_),
      ElementsAre(
          "conf.d/a.yaml:2:9: error: id: shop 'shop' is there already; first at test.yaml:4",
          "conf.d/a.yaml:3:5: error: shops: unknown key 'domians'; did you mean 'domains'?",
          "conf.d/b.yaml:1:1: error: unknown key 'upstrams'; did you mean 'upstreams'?",
          "conf.d/b.yaml:2:1: error: 'log' belongs into the main file; an included file may "
          "hold hosts, shops and upstreams",
          "conf.d/b.yaml:3:1: error: 'include' belongs into the main file; an included file "
          "may hold hosts, shops and upstreams",
          HasSubstr("conf.d/c.yaml:2:1: error: not valid YAML")));
}

TEST_F(Includes, StayInTheConfigurationsFolder) {
  const TestFolder outside;
  outside.write("evil.yaml", shop("evil"));
  std::filesystem::create_symlink(outside.path() / "evil.yaml", folder_.path() / "link.yaml");
  std::filesystem::create_directory_symlink(outside.path(), folder_.path() / "linked");
  std::filesystem::create_symlink(folder_.path().string() + "x", folder_.path() / "dangling.yaml");
  const std::string only = "only files in the configuration's folder can be included";
  for (const std::string& pattern :
       {outside.path().string() + "/evil.yaml", outside.path().string() + "/*",
        "../" + outside.path().filename().string() + "/evil.yaml", std::string("conf.d/../../*")}) {
    EXPECT_THAT(texts(with("[\"" + pattern + "\"]").errors, folder_), ElementsAre(HasSubstr(only)));
  }
  for (const std::string pattern : {"link.yaml", "l*.yaml", "linked/evil.yaml", "*/*.yaml"}) {
    EXPECT_THAT(texts(with("[\"" + pattern + "\"]").errors, folder_),
                ElementsAre(HasSubstr("leads out of the configuration's folder")))
        << pattern;
  }
  EXPECT_THAT(texts(with("[dangling.yaml]").errors, folder_),
              ElementsAre(HasSubstr("dangling.yaml: No such file or directory")));
}

TEST_F(Includes, MayLinkWithinTheFolder) {
  folder_.write("available/a.yaml", shop("a"));
  folder_.write("conf.d/b.yaml", shop("b"));
  std::filesystem::create_symlink("../available/a.yaml", folder_.path() / "conf.d/a.yaml");
  EXPECT_THAT(shop_ids(with("[conf.d/*.yaml, available/*.yaml]")), ElementsAre("shop", "a", "b"));
}

TEST_F(Includes, AFolderWithWildcardsInItsNameIsNoPattern) {
  const auto main = folder_.write("a[b]*/main.yaml", minimal_with("include: [c/*.yaml]"));
  folder_.write("a[b]*/c/x.yaml", shop("x"));
  folder_.write("ab/c/y.yaml", shop("y"));
  EXPECT_THAT(shop_ids(load(main)), ElementsAre("shop", "x"));
}

TEST_F(Includes, OfAMissingFileOrOneOfAnotherUserAreErrors) {
  EXPECT_THAT(texts(with("[conf.d/none.yaml]").errors, folder_),
              ElementsAre("test.yaml:6:11: error: include: there is no file 'conf.d/none.yaml'"));
  folder_.write("conf.d/a.yaml", shop("a"), 0606);
  EXPECT_THAT(texts(with("[conf.d/*]").errors, folder_),
              ElementsAre("test.yaml:6:11: error: include: conf.d/a.yaml may be written by "
                          "everybody"));
  std::filesystem::remove(folder_.path() / "conf.d/a.yaml");
  std::filesystem::create_directory(folder_.path() / "conf.d/folder");
  EXPECT_THAT(texts(with("[conf.d/*]").errors, folder_),
              ElementsAre("test.yaml:6:11: error: include: conf.d/folder: not a regular file"));
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file to somebody else";
  std::filesystem::remove(folder_.path() / "conf.d/folder");
  const auto file = folder_.write("conf.d/b.yaml", shop("b"));
  ASSERT_EQ(chown(file.c_str(), 12345, 12345), 0);
  EXPECT_THAT(texts(with("[conf.d/*]").errors, folder_),
              ElementsAre("test.yaml:6:11: error: include: conf.d/b.yaml belongs to another user "
                          "(uid 12345)"));
}

TEST_F(Includes, SecretsInThemAreRelativeToTheMainFile) {
  folder_.write("keys/a.pem", private_key);
  folder_.write("conf.d/a.yaml",
                "shops: [{id: a, domains: [{name: a.jp, dkim: [{selector: r, key: "
                "file:keys/a.pem}]}]}]\n");
  EXPECT_THAT(shop_ids(with("[conf.d/*.yaml]")), ElementsAre("shop", "a"));
}

// ---- hostile YAML ----

class Hostile : public ::testing::Test {
 protected:
  std::vector<std::string> errors(const std::string& text) {
    const LoadOutcome outcome = folder_.load(text);
    EXPECT_FALSE(outcome.settings);
    return texts(outcome.errors, folder_);
  }

  TestFolder folder_;
};

TEST_F(Hostile, AnchorsAliasesAndTagsAreRefusedEachAtItsPlace) {
  EXPECT_THAT(
      errors(minimal_with("log: &l {level: info}") + "control: *l\n<<: *l\nnode: !!str x\n"),
      ElementsAre("test.yaml:6:6: error: anchors are not allowed",
                  "test.yaml:7:10: error: aliases are not allowed",
                  "test.yaml:8:1: error: unknown key '<<'",
                  "test.yaml:8:5: error: aliases are not allowed",
                  "test.yaml:9:7: error: tags are not allowed"));
}

TEST_F(Hostile, AnAliasIsNotFollowedByErrorsAboutWhatIsMissingInItsPlace) {
  EXPECT_THAT(errors("node: &n x\n" + minimal_with("hosts: *n")),
              ElementsAre("test.yaml:1:7: error: anchors are not allowed",
                          "test.yaml:4:8: error: aliases are not allowed"));
}

TEST_F(Hostile, BillionLaughsAreOver) {
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c <= 'i'; ++c) {
    const std::string before = "*" + std::string(1, static_cast<char>(c - 1));
    bomb += std::string(1, c) + ": &" + c + " [" + before;
    for (int i = 0; i < 8; ++i) bomb += ", " + before;
    bomb += "]\n";
  }
  const auto said = errors(bomb);
  EXPECT_GE(std::count_if(said.begin(), said.end(),
                          [](const auto& line) { return line.ends_with("not allowed"); }),
            80);
}

TEST_F(Hostile, DepthSizeAndComplaintsHaveBounds) {
  EXPECT_THAT(errors(std::string(1 << 20, ' ') + "x"),
              ElementsAre("test.yaml:1:1: error: cannot read: larger than 1024 KiB"));
  EXPECT_THAT(errors("a: " + std::string(40, '[') + std::string(40, ']')),
              ElementsAre(HasSubstr("not valid YAML: more than 32 levels deep")));
  for (const std::string piece : {"[", "{", "- ", "? ", "{a: ", "a: [", "\"", "&a ", "*a ", "!",
                                  "a:\n", "- - ", "'", "|\n", "{?", "x: y\n", "[]: ", "[a, "}) {
    SCOPED_TRACE(piece);
    std::string bomb;
    while (bomb.size() < 100'000) bomb += piece;
    const auto said = errors(bomb);
    EXPECT_LE(said.size(), 1000U);
    EXPECT_FALSE(said.empty());
  }
}

TEST_F(Hostile, AMebibyteOnOneLineIsReadInOnePass) {
  std::string flow = "{";
  for (int i = 0; flow.size() < 1'000'000; ++i) flow += "ショ" + std::to_string(i) + ": 1, ";
  const auto said = errors(flow + "}");
  EXPECT_EQ(said.size(), 1000U);  // and the other complaints are left out
  EXPECT_EQ(said[1], "test.yaml:1:10: error: unknown key 'ショ1'");
}

TEST_F(Hostile, WhatIsNotOneDocumentOfUtf8IsRefused) {
  EXPECT_THAT(errors(std::string(minimal) + "---\nx: y\n"),
              ElementsAre("test.yaml:7:1: error: a second document; only one is read"));
  EXPECT_THAT(errors("hostname: a\nnode: ショップ\xE3\x81"),
              ElementsAre("test.yaml:2:11: error: not UTF-8"));
  EXPECT_THAT(errors(std::string("\xFF\xFEh\0", 4)),
              ElementsAre("test.yaml:1:1: error: not UTF-8"));
  EXPECT_THAT(errors("- a\n- b\n"),
              ElementsAre("test.yaml:1:1: error: a list where a map of keys belongs"));
  EXPECT_THAT(errors("{[a]: 1, {b: c}: 2}"),
              ::testing::Contains("test.yaml:1:2: error: a key must be text"));
}

TEST_F(Hostile, SyntaxErrorsHaveAPosition) {
  EXPECT_THAT(errors("hostname: a: b\n"),
              ElementsAre("test.yaml:1:12: error: not valid YAML: illegal map value"));
  EXPECT_THAT(errors("limits:\n\trecipients: 5\n"),
              ElementsAre("test.yaml:2:12: error: not valid YAML: illegal map value"));
  EXPECT_THAT(errors("hostname: \"relay.jp\nnode: x\n"),
              ElementsAre("test.yaml:1:11: error: not valid YAML: the quote is not closed"));
  EXPECT_THAT(errors("hostname: 'it''s\n"),
              ElementsAre("test.yaml:1:11: error: not valid YAML: the quote is not closed"));
}

TEST_F(Hostile, ColumnsCountCharactersNotBytes) {
  EXPECT_THAT(
      errors(minimal_with("shops: [{id: s, name: ショップ, domains: [{name: s.jp}], x: 1}]")),
      ElementsAre("test.yaml:4:54: error: shops: unknown key 'x'"));
}

TEST_F(Hostile, AByteOrderMarkIsForgiven) {
  EXPECT_TRUE(folder_.load("\xEF\xBB\xBF" + std::string(minimal)).settings);
}

}  // namespace
}  // namespace ecrelay::config

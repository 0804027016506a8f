#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/parse.hpp>

#include <fstream>
#include <sstream>

#include "control/new_key.h"
#include "core/text.h"
#include "house.h"

/// ecrelayctl itself, as a person or a script runs it.
namespace ecrelay::control {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

struct Outcome {
  int exit = -1;
  std::string out;
  std::string err;
};

std::string content(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

void redirect(const fs::path& file, int descriptor) {
  const int opened = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(opened, descriptor);
}

Outcome run(const fs::path& folder, std::vector<std::string> words) {
  words.insert(words.begin(), ECRELAYCTL);
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    redirect(folder / "out", STDOUT_FILENO);
    redirect(folder / "err", STDERR_FILENO);
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return Outcome{WIFEXITED(status) ? WEXITSTATUS(status) : -1, content(folder / "out"),
                 content(folder / "err")};
}

Outcome run(const House& house, std::vector<std::string> words) {
  words.insert(words.begin(), {"--config", house.config_file()});
  return run(house.folder(), std::move(words));
}

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(Tool, AMistypedCommandOrOptionExits64WithOneLineAndASuggestion) {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"stauts"}, "did you mean 'status'?"},
      {{"queue", "lst"}, "did you mean 'list'?"},
      {{"queue", "list", "--shpo", "a"}, "did you mean '--shop'?"},
      {{"supression", "list"}, "did you mean 'suppression'?"},
      {{"--jsno", "status"}, "did you mean '--json'?"},
      {{"xyzzyxyzzy"}, "see ecrelayctl --help"},
  };
  for (const auto& [words, expected] : cases) {
    const Outcome done = run(folder.path(), words);
    EXPECT_EQ(done.exit, 64) << words[0];
    EXPECT_THAT(done.err, AllOf(StartsWith("ecrelayctl: "), HasSubstr(expected)));
    EXPECT_EQ(lines(done.err), 1U) << done.err;
    EXPECT_THAT(done.out, IsEmpty());
  }
  for (const std::vector<std::string>& words : {std::vector<std::string>{},
                                                {"queue"},
                                                {"trace"},
                                                {"suppression", "add", "a@example.jp"},
                                                {"dns", "show", "x", "--format", "xml"}}) {
    EXPECT_EQ(run(folder.path(), words).exit, 64);
  }
}

TEST(Tool, AGroupAloneNamesItsCommands) {
  const TemporaryFolder folder;
  const Outcome done = run(folder.path(), {"queue"});
  EXPECT_EQ(done.exit, 64);
  EXPECT_EQ(done.err, "ecrelayctl: say which: list, show, retry, hold, release, cancel\n");
}

TEST(Tool, HelpIsNoMistake) {
  const TemporaryFolder folder;
  const Outcome done = run(folder.path(), {"--help"});
  EXPECT_EQ(done.exit, 0);
  EXPECT_THAT(done.out, AllOf(HasSubstr("suppression"), HasSubstr("trace")));
}

TEST(Tool, AConfigurationThatIsNotThereOrWrongExits78) {
  House house;
  const Outcome missing = run(house.folder(), {"--config", "/nonexistent.yaml", "status"});
  EXPECT_EQ(missing.exit, 78);
  EXPECT_THAT(missing.err, HasSubstr("/nonexistent.yaml"));
  std::ofstream(house.folder() / "broken.yaml") << "hostnam: x\nlistener: []\n";
  const Outcome broken =
      run(house.folder(), {"--config", (house.folder() / "broken.yaml").string(), "usage"});
  EXPECT_EQ(broken.exit, 78);
  EXPECT_GE(lines(broken.err), 2U);
  EXPECT_THAT(broken.err, HasSubstr("did you mean"));
}

TEST(Tool, AsksTheDaemonAndExitsByTheAnswer) {
  House house;
  const Ulid id = house.accept("taro@example.jp");
  EXPECT_EQ(run(house, {"status"}).exit, 0);
  EXPECT_THAT(run(house, {"queue", "list"}).out, HasSubstr(id.text()));
  EXPECT_EQ(run(house, {"queue", "show", id.text()}).exit, 0);
  EXPECT_EQ(run(house, {"queue", "retry", id.text()}).out, "recipients due now: 1\n");
  EXPECT_EQ(run(house, {"queue", "retry", "--domain", "no.example"}).exit, 1);
  EXPECT_EQ(run(house, {"queue", "hold", id.text(), "--reason", "look first"}).out,
            "recipients held: 1\n");
  EXPECT_EQ(run(house, {"queue", "release", "--shop", "shop-a"}).out, "recipients queued: 1\n");
  EXPECT_EQ(run(house, {"queue", "cancel", "not-an-id", id.text()}).exit, 65);
  EXPECT_EQ(run(house, {"queue", "cancel", id.text()}).out, "recipients cancelled: 1\n");
  EXPECT_EQ(run(house, {"queue", "cancel", id.text()}).exit, 1);
  EXPECT_EQ(run(house, {"queue", "show", "not-an-id"}).exit, 65);
  EXPECT_EQ(run(house, {"trace", "nobody@example.jp"}).exit, 1);
  EXPECT_EQ(run(house, {"usage", "2026-13"}).exit, 65);
  EXPECT_EQ(run(house, {"host", "explain", "127.0.0.1", "--from", "x@shop-a.example"}).exit, 0);
  EXPECT_EQ(run(house, {"host", "explain", "192.0.2.9"}).exit, 1);
  EXPECT_EQ(run(house, {"suppression", "show", "a@example.jp"}).exit, 1);
  EXPECT_EQ(run(house, {"suppression", "add", "A@example.jp", "--reason", "asked"}).exit, 0);
  EXPECT_EQ(run(house, {"suppression", "show", "a@example.jp"}).exit, 0);
  EXPECT_EQ(run(house, {"suppression", "clear", "\"a\"@example.jp", "--reason", "x"}).exit, 0);
  EXPECT_THAT(run(house, {"suppression", "history", "a@example.jp"}).out, HasSubstr("cleared"));
  EXPECT_THAT(run(house, {"audit"}).out, HasSubstr("suppression clear"));
  EXPECT_THAT(run(house, {"reload"}).out, HasSubstr("nothing has changed"));
  EXPECT_EQ(run(house, {"config", "diff", house.config_file()}).exit, 0);
  EXPECT_THAT(run(house, {"dns", "show", "shop-a.example", "--format", "zone"}).out,
              HasSubstr("IN TXT"));
}

TEST(Tool, ASocketThatIsNamedIsAskedWithoutAnyConfiguration) {
  House house;
  const Outcome done = run(house.folder(), {"--socket", house.socket(), "audit"});
  EXPECT_EQ(done.exit, 0) << done.err;
}

TEST(Tool, JsonIsOneLineThatParsesWhereverTheFlagStands) {
  House house;
  house.accept("taro@example.jp");
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--json", "queue", "list"}, {"queue", "list", "--json"}}) {
    const Outcome done = run(house, words);
    EXPECT_EQ(lines(done.out), 1U);
    const auto object = boost::json::parse(text::trimmed(done.out)).get_object();
    EXPECT_EQ(object.at("recipients").get_array().size(), 1U);
  }
}

TEST(Tool, ReportsFromTheFilesWhenTheDaemonIsDownAndSaysSo) {
  House house;
  const Ulid id = house.accept("taro@example.jp");
  const Outcome live = run(house, {"trace", id.text()});
  EXPECT_THAT(live.err, IsEmpty());
  house.stop();
  house.close_store();
  const Outcome alone = run(house, {"trace", id.text()});
  EXPECT_EQ(alone.exit, 0);
  EXPECT_EQ(alone.out, live.out);
  EXPECT_THAT(alone.err, HasSubstr("the daemon is not running"));
  EXPECT_EQ(lines(alone.err), 1U);
  const Outcome status = run(house, {"status"});
  EXPECT_EQ(status.exit, 69);
  EXPECT_THAT(status.out, AllOf(HasSubstr("NOT RUNNING"), HasSubstr("1 queued")));
  EXPECT_EQ(run(house, {"host", "explain", "127.0.0.1", "--from", "shop-a.example"}).exit, 0);
  EXPECT_EQ(run(house, {"host", "explain", "127.0.0.1", "--from", "shop-b.example"}).exit, 1);
  EXPECT_THAT(run(house, {"dkim", "list"}).out, HasSubstr("rsa-sha256"));
}

TEST(Tool, ChangesNeedTheDaemonAndExit69WithoutIt) {
  House house;
  house.accept("taro@example.jp");
  house.stop();
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"queue", "retry", "--all"},
        {"suppression", "add", "a@example.jp", "--reason", "x"},
        {"suppression", "clear", "a@example.jp", "--reason", "x"},
        {"reload"}}) {
    const Outcome done = run(house, words);
    EXPECT_EQ(done.exit, 69) << words[0];
    EXPECT_THAT(done.err, HasSubstr("the daemon is not running"));
    EXPECT_EQ(lines(done.err), 1U);
  }
}

TEST(Tool, DkimNewWritesAKeyForTheOwnerOnlyAndNeverOverASecondOne) {
  House house;
  const std::vector<std::string> words = {"dkim",  "new",         "Shop-B.example", "--selector",
                                          "s2026", "--algorithm", "ed25519-sha256"};
  const Outcome first = run(house, words);
  EXPECT_EQ(first.exit, 0) << first.err;
  const fs::path file = house.folder() / "keys/shop-b.example.s2026.pem";
  EXPECT_THAT(first.out,
              AllOf(HasSubstr(file.string()), HasSubstr("file:keys/shop-b.example.s2026.pem"),
                    HasSubstr("s2026._domainkey.shop-b.example  TXT  v=DKIM1; k=ed25519; p=")));
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  const std::string key = content(file);
  ASSERT_TRUE(dkim::Key::parse(Secret(key)));

  const Outcome second = run(house, words);
  EXPECT_EQ(second.exit, 73);
  EXPECT_THAT(second.err, HasSubstr("exists already"));
  EXPECT_EQ(content(file), key);
}

TEST(Tool, DkimNewRefusesNamesThatAreNoDomainOrSelector) {
  House house;
  for (const auto& [domain, selector] :
       std::vector<std::pair<std::string, std::string>>{{"../../etc/cron", "s"},
                                                        {"shop.example", "../s"},
                                                        {"shop.example", ""},
                                                        {"shop.example", "a b"},
                                                        {"shop.example", "-a"},
                                                        {"shop.example", "a..b"},
                                                        {"nodot", "s"}}) {
    EXPECT_EQ(run(house, {"dkim", "new", domain, "--selector", selector}).exit, 65)
        << domain << " " << selector;
  }
}

}  // namespace
}  // namespace ecrelay::control

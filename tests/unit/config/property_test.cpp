#include <map>

#include "config/print.h"
#include "config/reference.h"
#include "support.h"

/// What holds for every key, tried on files that have them all.
namespace ecrelay::config {
namespace {

/// A file in a folder with everything it refers to, and its lines to be spoiled one by one.
class Spoiled : public ::testing::Test {
 protected:
  Spoiled() { write_full_files(folder_); }

  LoadOutcome load_with(std::size_t index, const std::vector<std::string>& replacement) {
    std::vector<std::string> lines(lines_.begin(), lines_.begin() + static_cast<long>(index));
    lines.insert(lines.end(), replacement.begin(), replacement.end());
    lines.insert(lines.end(), lines_.begin() + static_cast<long>(index) + 1, lines_.end());
    return folder_.load(joined(lines));
  }

  /// Either settings, or errors, each with a position in the file and in one line.
  static void expect_sane(const LoadOutcome& outcome, std::size_t lines) {
    EXPECT_EQ(outcome.settings.has_value(), outcome.errors.empty());
    for (const Problem& problem : outcome.errors) {
      EXPECT_TRUE(problem.line >= 1 && problem.line <= lines + 1) << problem.text();
      EXPECT_GE(problem.column, 1U) << problem.text();
      EXPECT_EQ(problem.text().find('\n'), std::string::npos) << problem.text();
    }
  }

  static bool has_error_on(const LoadOutcome& outcome, std::size_t line, std::string_view part) {
    for (const Problem& problem : outcome.errors) {
      if (problem.line == line && problem.text().find(part) != std::string::npos) return true;
    }
    return false;
  }

  /// Lines deeper than `index`: what stands inside its key.
  std::size_t end_of_block(std::size_t index) const {
    const auto depth = [&](std::size_t i) { return lines_[i].find_first_not_of(" -"); };
    std::size_t end = index + 1;
    while (end < lines_.size() && depth(end) > depth(index)) ++end;
    return end;
  }

  std::string before_value(std::size_t index) const {
    return lines_[index].substr(0, lines_[index].find(':') + 1) + " ";
  }

  TestFolder folder_;
  std::vector<std::string> lines_ = lines_of(full);
  std::vector<std::string> paths_ = paths_of_lines(full);
};

TEST_F(Spoiled, NoKeyTakesAValueOfAnotherKind) {
  std::map<std::string, std::string> types;
  for (const ReferenceEntry& entry : reference_entries()) types[entry.path] = entry.type;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    const std::string type = types[paths_[i]];
    std::vector<std::string> wrong = {"", "~", "{a: 1}", "\"\\x01\""};
    if (type != "section") wrong.push_back("[[1]]");
    if (type == "section" || type.starts_with("list")) wrong.push_back("17");
    if (type == "section") wrong.push_back("[17]");
    for (const std::string& value : wrong) {
      SCOPED_TRACE(paths_[i] + ": " + value);
      std::vector<std::string> lines(lines_.begin(), lines_.begin() + static_cast<long>(i));
      lines.push_back(before_value(i) + value);
      lines.insert(lines.end(), lines_.begin() + static_cast<long>(end_of_block(i)), lines_.end());
      EXPECT_TRUE(has_error_on(folder_.load(joined(lines)), i + 1, ""));
    }
  }
}

TEST_F(Spoiled, NoKeyButTextAndPathsTakesAnyWord) {
  std::map<std::string, std::string> types;
  for (const ReferenceEntry& entry : reference_entries()) types[entry.path] = entry.type;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    const std::string type = types[paths_[i]];
    if (type == "text" || type == "a path" || type == "list: text" || end_of_block(i) > i + 1) {
      continue;
    }
    for (const std::string word : {"ten parsecs", "-1", "1e3", "0x10", "99999999999999999999"}) {
      SCOPED_TRACE(paths_[i] + ": " + word);
      const bool list = type.starts_with("list");
      const auto outcome = load_with(i, {before_value(i) + (list ? "[" + word + "]" : word)});
      EXPECT_TRUE(has_error_on(outcome, i + 1, ""));
    }
  }
}

TEST_F(Spoiled, AMisspelledKeyIsFoundAndTheRightOneSuggested) {
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    SCOPED_TRACE(paths_[i]);
    const std::string key = paths_[i].substr(paths_[i].find_last_of('.') + 1);
    const std::size_t at = lines_[i].find(key);
    std::string line = lines_[i];
    line.insert(at + 1, 1, 'q');
    EXPECT_TRUE(has_error_on(load_with(i, {line}), i + 1, "did you mean '" + key + "'?"));
  }
}

TEST_F(Spoiled, ADuplicateKeyIsFoundAtEveryLevel) {
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    SCOPED_TRACE(paths_[i]);
    std::string again = lines_[i];
    if (const auto dash = again.find("- "); dash != std::string::npos) again[dash] = ' ';
    std::vector<std::string> block(lines_.begin() + static_cast<long>(i),
                                   lines_.begin() + static_cast<long>(end_of_block(i)));
    const std::size_t line = i + block.size() + 1;
    block.push_back(before_value(i) + "1");
    block.back()[block.back().find_first_not_of(' ')] = again[block.back().find_first_not_of(' ')];
    std::vector<std::string> lines(lines_.begin(), lines_.begin() + static_cast<long>(i));
    lines.insert(lines.end(), block.begin(), block.end());
    lines.insert(lines.end(), lines_.begin() + static_cast<long>(end_of_block(i)), lines_.end());
    EXPECT_TRUE(has_error_on(folder_.load(joined(lines)), line, "duplicate key"));
  }
}

TEST_F(Spoiled, LoadsOrSaysAPositionWhateverLineIsMissingOrThereTwice) {
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    SCOPED_TRACE(lines_[i]);
    expect_sane(load_with(i, {}), lines_.size());
    expect_sane(load_with(i, {lines_[i], lines_[i]}), lines_.size() + 1);
    expect_sane(load_with(i, {" " + lines_[i]}), lines_.size());
    expect_sane(load_with(i, {"\t" + lines_[i]}), lines_.size());
  }
}

TEST_F(Spoiled, LoadsOrSaysAPositionWhereverTheFileIsCut) {
  for (std::size_t length = 0; length < minimal.size(); ++length) {
    const std::string_view cut = minimal.substr(0, length);
    const LoadOutcome outcome = folder_.load(cut);
    expect_sane(outcome, lines_of(cut).size());
    // Whole without its last line end.
    EXPECT_EQ(outcome.settings.has_value(), length + 1 == minimal.size()) << cut;
  }
}

TEST_F(Spoiled, LoadsOrSaysAPositionWhateverByteIsThere) {
  const std::string text(minimal);
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char c :
         {'\0', '\t', '\n', '"', '{', ']', ':', ',', '#', '&', '*', '!', '?', '\xff'}) {
      std::string spoiled = text;
      spoiled[i] = c;
      expect_sane(folder_.load(spoiled), lines_of(spoiled).size());
    }
  }
}

std::string shipped(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(std::string(RELAY_SOURCE_DIR) + "/config/" + name).rdbuf();
  return text.str();
}

TEST(ShippedConfiguration, TheExamplePassesTheCheckRightFromAClone) {
  const LoadOutcome outcome =
      load(std::filesystem::path(RELAY_SOURCE_DIR) / "config" / "ecrelay.yaml");
  for (const Problem& problem : outcome.errors) ADD_FAILURE() << problem.text();
  ASSERT_TRUE(outcome.settings);
  EXPECT_EQ(outcome.settings->hosts.size(), 1U);
}

TEST(ShippedConfiguration, TheExampleStillLoadsWhenItsCommentedLinesAreUsed) {
  const TestFolder folder;
  write_full_files(folder);
  std::vector<std::string> lines;
  for (std::string line : lines_of(shipped("ecrelay.yaml"))) {
    const auto hash = line.find_first_not_of(' ');
    if (hash != std::string::npos && line[hash] == '#' && hash + 1 < line.size() &&
        line[hash + 1] != ' ') {
      line.erase(hash, 1);
    }
    lines.push_back(line);
  }
  std::string text = joined(lines);
  // What only a real machine has.
  const std::map<std::string, std::string> real = {
      {"file:/etc/letsencrypt/live/relay-1.example.jp/fullchain.pem", "file:keys/chain.pem"},
      {"credential:tls-key", "file:keys/tls.pem"},
      {"file:keys/shop-a.r1.pem", "file:keys/tls.pem"},
      {"file:keys/shop-a.e1.pem", "file:keys/tls.pem"},
      {"\"crypt:$y$…\"", "file:keys/hash"},
      {"file:secrets/upstream", "file:keys/password"},
      {"file:secrets/return-path", "file:keys/return-path"},
      {"file:keys/operator.pem", "file:keys/tls.pem"},
  };
  for (const auto& [there, here] : real) {
    const auto at = text.find(there);
    ASSERT_NE(at, std::string::npos) << there;
    text.replace(at, there.size(), here);
  }
  const LoadOutcome outcome = folder.load(text);
  for (const Problem& problem : outcome.errors) ADD_FAILURE() << problem.text();
  ASSERT_TRUE(outcome.settings) << text;
  EXPECT_EQ(outcome.settings->listeners.size(), 2U);
  EXPECT_EQ(outcome.settings->hosts.size(), 2U);
  EXPECT_EQ(outcome.settings->shops[0].domains[0].dkim.size(), 2U);
  EXPECT_TRUE(outcome.settings->reports.listen);
}

TEST(ShippedConfiguration, TheQuickstartNeedsNothingButItsKey) {
  const TestFolder folder;
  folder.write(".playground/keys/shop-a.r1.pem", "-----BEGIN PRIVATE KEY-----\n");
  const LoadOutcome outcome =
      load(folder.write("config/quickstart.yaml", shipped("quickstart.yaml")));
  for (const Problem& problem : outcome.errors) ADD_FAILURE() << problem.text();
  for (const Problem& problem : outcome.warnings) ADD_FAILURE() << problem.text();
  ASSERT_TRUE(outcome.settings);
  EXPECT_EQ(outcome.settings->state_dir, folder.path() / ".playground/state");
}

}  // namespace
}  // namespace ecrelay::config

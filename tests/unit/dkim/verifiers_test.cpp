#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>

#include "core/text.h"
#include "unit/dkim/fixtures.h"

// Signatures are worth what verifiers that are not ours nor libopendkim say about them.
namespace ecrelay::dkim {
namespace {

namespace fs = std::filesystem;

constexpr const char* verifier_folder = RELAY_SOURCE_DIR "/tests/unit/dkim/";

struct Mail {
  std::string head;
  std::string body;
};

/// A folder of signed mails, and what a verifier says about each of their signatures.
class Mailbag {
 public:
  Mailbag() {
    std::string pattern = (fs::temp_directory_path() / "dkim-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    std::ofstream keys(folder_ / "keys");
    for (const Identity& identity : {rsa_identity(), ed25519_identity()}) {
      keys << identity.selector << "._domainkey." << identity.domain << '\t'
           << identity.key.record() << '\n';
    }
  }
  ~Mailbag() { fs::remove_all(folder_); }
  Mailbag(const Mailbag&) = delete;
  Mailbag& operator=(const Mailbag&) = delete;

  void add(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / (name + ".eml"), std::ios::binary) << text;
  }
  std::size_t size() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), {})) - 1;
  }

  /// "pass" and so on of the first `signatures` signatures of each mail, by name.
  std::map<std::string, std::vector<std::string>> verdicts(const std::string& program) const {
    const std::string command =
        program + " " + (folder_ / "keys").string() + " " + (folder_ / "*.eml").string() + " 2>&1";
    std::map<std::string, std::vector<std::string>> verdicts;
    FILE* output = popen(command.c_str(), "r");
    std::array<char, 4096> line{};
    while (fgets(line.data(), static_cast<int>(line.size()), output) != nullptr) {
      const auto columns = text::split(text::trimmed(line.data()), '\t');
      if (columns.size() != 3) {
        ADD_FAILURE() << program << ": " << line.data();
        continue;
      }
      verdicts[fs::path(columns[0]).stem().string()].emplace_back(columns[2]);
    }
    EXPECT_EQ(pclose(output), 0) << command;
    return verdicts;
  }

 private:
  fs::path folder_;
};

std::string python() { return std::string("/usr/bin/python3 ") + verifier_folder + "verify.py"; }
std::string perl() { return std::string("/usr/bin/perl ") + verifier_folder + "verify.pl"; }

/// As it would arrive: DATA ends a body's last line in any case.
std::string as_sent(const std::string& signatures, const Mail& mail) {
  const bool unfinished = !mail.body.empty() && !mail.body.ends_with("\r\n");
  return signatures + mail.head + "\r\n" + mail.body + (unfinished ? "\r\n" : "");
}

std::string signed_mail(const Signer& signer, const Mail& mail,
                        const std::vector<Identity>& identities) {
  const auto fields = sign(signer, mail.head, mail.body, identities);
  EXPECT_TRUE(fields) << fields.error().detail;
  return as_sent(fields ? *fields : "", mail);
}

const Mail shop_mail{std::string(shop_head), std::string(shop_body)};

TEST(Verifiers, PassBothSignaturesOfAShopMail) {
  Mailbag bag;
  for (const Engine& engine : engines) {
    bag.add(engine.name,
            signed_mail(*engine.make(), shop_mail, {rsa_identity(), ed25519_identity()}));
  }
  for (const auto& [name, verdicts] : bag.verdicts(python())) {
    EXPECT_THAT(verdicts, ::testing::ElementsAre("pass", "pass")) << name;
  }
  // This Mail::DKIM knows no Ed25519 and says so; it must still pass the other one.
  for (const auto& [name, verdicts] : bag.verdicts(perl())) {
    ASSERT_EQ(verdicts.size(), 2U) << name;
    EXPECT_EQ(verdicts[0], "pass") << name;
  }
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Verifiers, FailOnAnythingChangedOrAdded) {
  Mailbag bag;
  const std::string mail =
      signed_mail(*make_opendkim_signer(), shop_mail, {rsa_identity(), ed25519_identity()});
  bag.add("body-changed", replaced(mail, "line", "lime"));
  bag.add("body-added", mail + "more\r\n");
  bag.add("from-changed", replaced(mail, "<info@", "<evil@"));
  bag.add("subject-changed", replaced(mail, "Subject:  ", "Subject: Re: "));
  for (const std::string_view name : signed_fields()) {
    bag.add("added-" + std::string(name), std::string(name) + ": x@shop-a.example\r\n" + mail);
    bag.add("appended-" + std::string(name),
            replaced(mail, "\r\n\r\n", "\r\n" + std::string(name) + ": x@shop-a.example\r\n\r\n"));
  }
  for (const std::string& program : {python(), perl()}) {
    const auto results = bag.verdicts(program);
    EXPECT_EQ(results.size(), bag.size());
    for (const auto& [name, verdicts] : results) {
      for (const std::string& verdict : verdicts) EXPECT_NE(verdict, "pass") << program << name;
    }
  }
}

TEST(Verifiers, PassEveryShapeOfFieldAndBody) {
  const std::map<std::string, Mail> mails = {
      {"empty-body", {shop_mail.head, ""}},
      {"only-empty-lines", {shop_mail.head, "\r\n\r\n\r\n"}},
      {"no-final-line-end", {shop_mail.head, "text"}},
      {"white-space-last", {shop_mail.head, "text \t"}},
      {"long-line", {shop_mail.head, std::string(60'000, 'x') + "\r\n"}},
      {"eight-bit",
       {shop_mail.head + "Reply-To: \xff\xfe <a@shop-a.example>\r\n", "\xff\xfe\x80\r\n"}},
      {"empty-fields", {shop_mail.head + "Cc:\r\nReply-To: \r\n", "x\r\n"}},
      {"long-field",
       {shop_mail.head + "Cc: " + std::string(70'000, 'c') + "@example.net\r\n", "x\r\n"}},
      {"repeated", {shop_mail.head + "To: second@example.net\r\nCc: a@b\r\nCC: c@d\r\n", "x\r\n"}},
      {"iso-2022-jp",
       {shop_mail.head + "Cc: \x1b$B%7%g%C%W\x1b(B <a@b>\r\n", "\x1b$B$\"\x1b(B\r\n"}},
      {"dots", {shop_mail.head, ".\r\n..\r\n . \r\n"}}};
  Mailbag bag;
  const auto signer = make_opendkim_signer();
  for (const auto& [name, mail] : mails)
    bag.add(name, signed_mail(*signer, mail, {rsa_identity()}));
  for (const std::string& program : {python(), perl()}) {
    const auto results = bag.verdicts(program);
    EXPECT_EQ(results.size(), mails.size());
    for (const auto& [name, verdicts] : results) {
      EXPECT_THAT(verdicts, ::testing::ElementsAre("pass")) << program << " " << name;
    }
  }
}

fs::path corpus() {
  const char* shared = std::getenv("ECRELAY_SHARED");
  return fs::path(shared != nullptr ? shared : RELAY_SOURCE_DIR "/../shared") / "corpus/messages";
}

/// As it would come over SMTP: every line end CRLF.
Mail read_mail(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  for (char c = 0; file.get(c);) {
    if (c == '\n') text += '\r';
    if (c != '\r') text += c;
  }
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string::npos) return {text, ""};
  return {text.substr(0, end + 2), text.substr(end + 4)};
}

/// Lines that are no field stand among their header fields: python3-dkim gives up on such a mail.
const std::set<std::string> unreadable_to_python = {"MimeKit-issue358.txt", "postal-email1.msg"};

TEST(Verifiers, PassEveryMailOfTheCorpusThatCanBeSigned) {
  if (!fs::exists(corpus())) {
    GTEST_SKIP() << "NO CORPUS at " << corpus() << ": set ECRELAY_SHARED; real mails stay untested";
  }
  Mailbag bag;
  const auto signer = make_opendkim_signer();
  const auto cached = make_cached_signer();
  std::size_t refused = 0;
  for (const auto& entry : fs::directory_iterator(corpus())) {
    if (entry.path().extension() != ".eml") continue;
    const Mail mail = read_mail(entry.path());
    const auto fields = sign(*signer, mail.head, mail.body, {rsa_identity(), ed25519_identity()});
    const auto same = sign(*cached, mail.head, mail.body, {rsa_identity(), ed25519_identity()});
    ASSERT_EQ(static_cast<bool>(fields), static_cast<bool>(same)) << entry.path();
    if (!fields) {
      std::cout << "not signed: " << entry.path().filename() << ": " << fields.error().detail
                << '\n';
      ++refused;
      continue;
    }
    EXPECT_EQ(*fields, *same) << entry.path() << ": the engines differ";
    bag.add(entry.path().stem().string(), as_sent(*fields, mail));
  }
  std::cout << bag.size() << " mails signed, " << refused << " refused\n";
  const auto by_python = bag.verdicts(python());
  const auto by_perl = bag.verdicts(perl());
  EXPECT_EQ(by_python.size(), bag.size());
  EXPECT_EQ(by_perl.size(), bag.size());
  for (const auto& [name, verdicts] : by_python) {
    if (unreadable_to_python.contains(name)) continue;
    // Below ours stand the old signatures that some of these mails came with.
    EXPECT_EQ(verdicts[0], "pass") << name;
    EXPECT_EQ(verdicts[1], "pass") << name;
  }
  for (const auto& [name, verdicts] : by_perl) EXPECT_EQ(verdicts[0], "pass") << name;
}

}  // namespace
}  // namespace ecrelay::dkim

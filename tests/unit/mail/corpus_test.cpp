// The mails of ../shared/corpus/messages through scan, submission and compose.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "core/text.h"
#include "mail/compose.h"
#include "mail/submission.h"

namespace ecrelay::mail {
namespace {

namespace fs = std::filesystem;

fs::path corpus_folder() {
  const char* shared = std::getenv("ECRELAY_SHARED");
  const fs::path base =
      shared != nullptr ? fs::path(shared) : fs::path(RELAY_SOURCE_DIR) / "../shared";
  return base / "corpus/messages";
}

/// As a client puts it on the wire: every LF is a CRLF.
std::string with_crlf(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) result += '\r';
    result += text[i];
  }
  return result;
}

std::map<std::string, std::string> mails() {
  std::map<std::string, std::string> result;
  for (const auto& entry : fs::directory_iterator(corpus_folder())) {
    if (entry.path().extension() != ".eml") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    result.emplace(entry.path().filename(), with_crlf(bytes.str()));
  }
  return result;
}

class Corpus : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::is_directory(corpus_folder())) {
      GTEST_SKIP() << "CORPUS NOT TESTED: no folder " << corpus_folder()
                   << "; set ECRELAY_SHARED to the folder that holds corpus/messages";
    }
    mails_ = mails();
    ASSERT_EQ(mails_.size(), 66U);
  }

  std::map<std::string, std::string> mails_;
};

Composition facts() {
  Composition facts;
  facts.hostname = "relay-1.example.jp";
  facts.message_id_domain = "shop.example";
  facts.helo = "app-1";
  facts.client = *IpAddress::parse("10.0.1.5");
  return facts;
}

TEST_F(Corpus, ComposedMailsKeepBodyAndFieldsByteForByte) {
  for (const auto& [name, message] : mails_) {
    const auto header = HeaderSection::scan(message).value();
    const auto result = compose(header, facts());
    EXPECT_EQ(result.body.data(), message.data() + header.body_offset()) << name;
    EXPECT_EQ(message.size(), header.body_offset() + result.body.size()) << name;

    std::string fields;
    for (const Field& field : header.fields()) {
      if (!field.is("Bcc")) fields += field.raw;
    }
    EXPECT_TRUE(result.head.ends_with("\r\n" + fields + "\r\n")) << name;
    const auto again = HeaderSection::scan(result.head).value();
    EXPECT_EQ(again.count("Date"), 1U) << name;
    EXPECT_EQ(again.count("Message-ID"), 1U) << name;
    EXPECT_TRUE(again.fields().front().is("Received")) << name;
  }
}

TEST_F(Corpus, FindsTheSameFaultsAsEver) {
  std::map<std::string, std::string> found;
  for (const auto& [name, message] : mails_) {
    const auto submission =
        read_submission(HeaderSection::scan(message).value(), "relay.example.jp");
    for (const Fault& fault : submission.faults) found[name] += "[" + fault.text + "]";
  }
  const std::string stray = "[header holds 1 line(s) that are no field]";
  const std::string no_from = "[header has no From field]";
  const std::string no_dot = "[header From: domain has no dot]";
  const std::string no_at = "[header From: no @ directly behind a local part]";
  const std::map<std::string, std::string> expected = {
      {"MimeKit-issue358.txt.eml", stray + no_dot},
      {"MimeKit-multipart-related-mhtml.txt.eml", no_from},
      {"cyrus-imapd-headers-koi8r.bin.eml", no_dot},
      {"cyrus-imapd-headers-utf8.bin.eml", no_dot},
      {"email2slack-euc-jp.txt.eml", no_at},
      {"email2slack-iso-2022-jp.txt.eml", no_at},
      {"flanker-russian-attachment-yahoo.eml", stray},
      {"james-mime4j-malformedHeader-nocrlfcrlf.msg.eml", stray + no_from},
      {"mail-attachment_pdf_non_ascii.eml", stray},
      {"mail-attachment_with_encoded_name.eml", stray},
      {"mail-example14.eml", stray},
      {"mail-parser-004.eml", "[header From: name without an address]"},
      {"mail-parser-018.eml", no_from},
      {"php-mime-mail-parser-issue116.eml", no_from},
      {"postal-email1.msg.eml", stray},
      {"spamassassin-mime3.eml", stray},
      {"spamassassin-mime5.eml", stray},
  };
  EXPECT_THAT(found, testing::ContainerEq(expected));
}

}  // namespace
}  // namespace ecrelay::mail

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "policy/suppression_rule.h"
#include "policy/verdict.h"

namespace ecrelay::policy {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using smtp::Stage;

fs::path expectations() {
  const char* shared = std::getenv("ECRELAY_SHARED");
  const fs::path root =
      shared != nullptr ? fs::path(shared) : fs::path(RELAY_SOURCE_DIR) / "../shared";
  return root / "corpus/bounces/expected.json";
}

/// One final failure of a real report, as if an upstream had said it to us.
struct Failure {
  std::string mail;
  std::string recipient;
  std::string diagnostic;
  std::string enhanced;
  std::string decision;
  std::string reason;
  bool suppression_acceptable;
  bool has_reply;
  int code;
  Stage stage;
};

std::string text_of(const json::object& object, const char* key) {
  return std::string(object.at(key).as_string());
}

Stage stage_of(const std::string& command) {
  if (command == "MAIL") return Stage::mail;
  if (command == "DATA") return Stage::dot;
  if (command == "HELO" || command == "EHLO") return Stage::hello;
  return Stage::rcpt;  // unknown counts as RCPT: the harder case for "never"
}

std::vector<Failure> failures() {
  std::ifstream file(expectations());
  std::ostringstream bytes;
  bytes << file.rdbuf();
  const json::value corpus = json::parse(bytes.str());
  std::vector<Failure> result;
  for (const auto& mail : corpus.at("mails").as_array()) {
    for (const auto& entry : mail.at("expected").as_array()) {
      const auto& one = entry.as_object();
      if (text_of(one, "action") != "failed") continue;
      const std::string reply = text_of(one, "reply");
      const auto& alternatives = one.at("decision_alt").as_array();
      const bool acceptable = std::find(alternatives.begin(), alternatives.end(),
                                        json::value("suppress")) != alternatives.end();
      result.push_back({text_of(mail.as_object(), "id"), text_of(one, "recipient"),
                        text_of(one, "diagnostic"), text_of(one, "status"),
                        text_of(one, "decision"), text_of(one, "reason"), acceptable,
                        !reply.empty(), reply.empty() ? 550 : std::stoi(reply),
                        stage_of(text_of(one, "smtp_command"))});
    }
  }
  return result;
}

Suppression decide(const Failure& failure, Stage stage) {
  return suppression_for({stage, smtp::Reply(failure.code, failure.enhanced, failure.diagnostic),
                          failure.recipient, ""});
}

class BounceCorpus : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(expectations())) {
      GTEST_SKIP() << "NO CORPUS at " << expectations()
                   << ": set ECRELAY_SHARED; the rule stays untested on real texts";
    }
    failures_ = failures();
    ASSERT_GT(failures_.size(), 300U);
  }

  std::vector<Failure> failures_;
};

TEST_F(BounceCorpus, NoLivingAddressIsSuppressed) {
  for (const auto& failure : failures_) {
    if (failure.decision == "suppress" || failure.suppression_acceptable) continue;
    const Suppression decision = decide(failure, failure.stage);
    EXPECT_FALSE(decision.suppresses())
        << failure.mail << ": " << failure.enhanced << " " << failure.diagnostic;
  }
}

// Even when the stage is misjudged, the words alone must not betray a living address.
TEST_F(BounceCorpus, NoLivingAddressIsSuppressedWhenEverythingIsTakenForRcpt) {
  for (const auto& failure : failures_) {
    if (failure.decision == "suppress" || failure.suppression_acceptable) continue;
    EXPECT_FALSE(decide(failure, Stage::rcpt).suppresses())
        << failure.mail << ": " << failure.enhanced << " " << failure.diagnostic;
  }
}

// Reports name DATA for refusals of RCPT under pipelining (row 17), so all are taken for RCPT.
// Dead domains (row 18) and reports without a reply are a matter for the report reader.
TEST_F(BounceCorpus, UnknownUsersAreRecognisedFromTheReplyAlone) {
  int dead = 0;
  std::string missed;
  int misses = 0;
  for (const auto& failure : failures_) {
    if (failure.decision != "suppress" || failure.reason != "userunknown" || !failure.has_reply)
      continue;
    ++dead;
    if (decide(failure, Stage::rcpt).suppresses()) continue;
    ++misses;
    missed += failure.mail + ": " + failure.enhanced + " " + failure.diagnostic + "\n";
  }
  EXPECT_GT(dead, 80);
  EXPECT_LE(misses * 100, dead * 6) << misses << " of " << dead << " missed:\n" << missed;
}

TEST_F(BounceCorpus, WhatIsSuppressedHasFailedForGood) {
  for (const auto& failure : failures_) {
    if (!decide(failure, Stage::rcpt).suppresses()) continue;
    const auto verdict =
        verdict_of(Stage::rcpt, {failure.code, failure.enhanced, failure.diagnostic});
    EXPECT_EQ(verdict.outcome, Outcome::failed) << failure.mail << ": " << failure.diagnostic;
  }
}

}  // namespace
}  // namespace ecrelay::policy

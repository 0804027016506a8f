#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>

#include "mail/report.h"
#include "policy/suppression_rule.h"
#include "report_score.h"

// The scorer of the report reader and the classifier: what they make of every mail of the corpus
// against its expected.json, as corpus/bounces/README.md says how to score. Environment:
// ECRELAY_SHARED where the corpus is, ECRELAY_BOUNCES another folder in the same form,
// ECRELAY_SCORE=misses to have every difference printed.

namespace ecrelay::policy {
namespace {

class ReportCorpus : public testing::Test {
 protected:
  void SetUp() override {
    if (trials_.empty())
      GTEST_SKIP() << "NO CORPUS at " << corpus_folder()
                   << ": set ECRELAY_SHARED; reader and classifier stay untested on real reports";
  }

  const std::vector<Trial> trials_ = corpus();
};

/// What the classes ask for, in percent (BOUNCE_RULES "What is asked of us" and the issue's).
double asked_of(const std::string& name) {
  if (name == "dsn") return 99;
  return name == "dsn-broken" ? 97 : 92;
}

TEST_F(ReportCorpus, IsReadAndDecidedAsTheTableAsks) {
  const Scores scores = score(trials_);
  print(scores);
  for (const auto& [name, score] : scores) {
    EXPECT_GE(percent(score.recipient, score.results), asked_of(name)) << name;
    EXPECT_GE(percent(score.action, score.results), asked_of(name)) << name;
  }
  const Score& all = scores.at("all");
  EXPECT_EQ(all.false_suppressions, 0);
  EXPECT_EQ(all.from_nothing, 0);
  EXPECT_GE(percent(all.must - all.misses, all.must), 98);
  EXPECT_GE(percent(all.decided, all.results), 97);
  EXPECT_GE(percent(all.codes, all.results), 92);
}

/// What a mail leads to: recipients with their decisions, in order.
std::vector<std::string> decisions(std::string_view bytes) {
  std::vector<std::string> result;
  const mail::Report report = mail::read_report(bytes);
  for (const mail::Reported& each : report.results) {
    result.push_back(each.recipient + ' ' + each.action + ' ' + each.status + ' ' + each.reply +
                     ' ' + std::string(to_text(suppression_for(report, each).effect)));
  }
  return result;
}

std::string with_line_ends(std::string_view text, std::string_view end) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n') continue;
    if (text[at] == '\n') {
      result += end;
    } else {
      result += text[at];
    }
  }
  return result;
}

TEST_F(ReportCorpus, SaysTheSameWithEveryLineEnd) {
  for (const Trial& trial : trials_) {
    const auto plain = decisions(with_line_ends(trial.bytes, "\n"));
    EXPECT_EQ(decisions(with_line_ends(trial.bytes, "\r\n")), plain) << trial.id;
    EXPECT_EQ(decisions(with_line_ends(trial.bytes, "\r")), plain) << trial.id;
  }
}

TEST_F(ReportCorpus, CutOffAnywhereItSuppressesNobodyAlive) {
  for (const Trial& trial : trials_) {
    if (trial.may_suppress()) continue;
    for (std::size_t length = 1024; length < trial.bytes.size(); length += 1024) {
      EXPECT_FALSE(suppresses(std::string_view(trial.bytes).substr(0, length)))
          << trial.id << " at " << length;
    }
  }
}

TEST_F(ReportCorpus, WithFlippedBitsItSuppressesNobodyAlive) {
  std::uint32_t random = 1;
  const auto next = [&random] { return random = random * 1664525 + 1013904223; };
  for (const Trial& trial : trials_) {
    if (trial.may_suppress()) continue;
    for (int round = 0; round < 5; ++round) {
      std::string damaged = trial.bytes;
      for (std::size_t flips = 1 + damaged.size() / 2000; flips > 0; --flips) {
        const std::size_t at = (next() >> 4) % damaged.size();
        damaged[at] = static_cast<char>(damaged[at] ^ (1 << (next() >> 29)));
      }
      EXPECT_FALSE(suppresses(damaged)) << trial.id << " round " << round;
    }
  }
}

TEST_F(ReportCorpus, WhatFollowsAReportIsNotReadAsOne) {
  const auto dead = std::find_if(trials_.begin(), trials_.end(), [](const Trial& trial) {
    return trial.group == "dsn" && trial.may_suppress();
  });
  ASSERT_NE(dead, trials_.end());
  for (const Trial& trial : trials_) {
    if (trial.may_suppress()) continue;
    EXPECT_FALSE(suppresses(trial.bytes + dead->bytes)) << trial.id;
  }
}

/// Printed for the record; a measurement asserts nothing.
TEST_F(ReportCorpus, TellsWhatReadingAndDecidingCosts) {
  using Clock = std::chrono::steady_clock;
  constexpr int rounds = 10;
  std::chrono::nanoseconds all{};
  std::chrono::nanoseconds longest{};
  for (const Trial& trial : trials_) {
    const auto start = Clock::now();
    for (int round = 0; round < rounds; ++round) EXPECT_NO_THROW(decisions(trial.bytes));
    const auto took = (Clock::now() - start) / rounds;
    all += took;
    longest = std::max(longest, std::chrono::nanoseconds(took));
  }
  std::printf("a report: %.0f us on average, %.0f us the longest\n",
              static_cast<double>(all.count()) / 1e3 / static_cast<double>(trials_.size()),
              static_cast<double>(longest.count()) / 1e3);
}

}  // namespace
}  // namespace ecrelay::policy

#include "report_score.h"

#include <iconv.h>
#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "core/text.h"
#include "mail/report.h"
#include "policy/suppression_rule.h"

namespace ecrelay::policy {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

using Words = std::vector<std::string>;

bool is_one_of(std::string_view word, const Words& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool fits(std::string_view word, const Words& words) {
  return words.empty() || is_one_of(word, words);
}

std::string joined(const Words& words) {
  std::string result;
  for (const std::string& word : words) result += (result.empty() ? "" : "/") + word;
  return words.empty() ? "?" : result;
}

bool tells_misses() {
  const char* wanted = std::getenv("ECRELAY_SCORE");
  return wanted != nullptr && std::string_view(wanted) == "misses";
}

const mail::Reported* find(const mail::Report& report, const Expected& expected,
                           std::size_t index) {
  const auto found =
      std::find_if(report.results.begin(), report.results.end(), [&](const mail::Reported& each) {
        return text::iequals(each.recipient, expected.recipient);
      });
  if (found != report.results.end()) return &*found;
  return index < report.results.size() ? &report.results[index] : nullptr;
}

Score score_one(const Trial& trial, const Expected& expected, const mail::Report& report,
                const mail::Reported* got) {
  const mail::Reported result = got != nullptr ? *got : mail::Reported();
  const Suppression taken = got == nullptr ? Suppression() : suppression_for(report, result);
  const std::string decision(to_text(taken.effect));
  Score one;
  one.results = 1;
  one.recipient = text::iequals(result.recipient, expected.recipient);
  one.action = fits(result.action, expected.actions);
  one.codes = fits(result.status, expected.statuses) && fits(result.reply, expected.replies);
  one.decided = is_one_of(decision, expected.decisions);
  one.must = expected.must_suppress();
  one.misses = one.must && decision != "suppress";
  one.false_suppressions = decision == "suppress" && one.decided == 0;
  const bool right = one.recipient && one.action && one.codes && one.decided;
  if (tells_misses() && !right) {
    std::printf(
        "%s (%s)%s%s%s%s\n  want %s %s %s %s %s\n  got  %s %s %s %s %s %s row %d\n  %.300s\n",
        trial.id.c_str(), trial.group.c_str(), one.recipient ? "" : " recipient",
        one.action ? "" : " action", one.codes ? "" : " codes", one.decided ? "" : " decision",
        expected.recipient.c_str(), joined(expected.actions).c_str(),
        joined(expected.statuses).c_str(), joined(expected.replies).c_str(),
        joined(expected.decisions).c_str(), result.recipient.c_str(), result.action.c_str(),
        result.status.c_str(), result.reply.c_str(), decision.c_str(),
        std::string(taken.reason).c_str(), taken.row, result.diagnostic.c_str());
  }
  return one;
}

std::string text_of(const json::object& object, const char* key) {
  return std::string(object.at(key).as_string());
}

/// What the corpus says of one result; README.md there tells how to score.
Expected expected_of(const json::object& object) {
  const auto scored = [&](const char* key) {
    const auto& list = object.at("unscored").as_array();
    return std::none_of(list.begin(), list.end(),
                        [&](const json::value& each) { return each.as_string() == key; });
  };
  Expected result;
  result.recipient = text_of(object, "recipient");
  if (scored("action")) result.actions = {text_of(object, "action")};
  if (scored("status"))
    result.statuses = {text_of(object, "status"), text_of(object, "status_field")};
  if (scored("reply")) result.replies = {text_of(object, "reply")};
  result.decisions = {text_of(object, "decision")};
  for (const json::value& each : object.at("decision_alt").as_array())
    result.decisions.emplace_back(each.as_string());
  return result;
}

Words alternatives(std::string_view field) {
  Words result;
  if (field == "?") return result;
  for (const std::string_view each : text::split(field, '/'))
    result.emplace_back(each == "-" ? std::string_view() : each);
  return result;
}

Expected expected_in(std::string_view line) {
  const auto fields = text::split(line, ' ');
  if (fields.size() != 5) throw std::runtime_error("five fields wanted: " + std::string(line));
  return {std::string(fields[0] == "-" ? std::string_view() : fields[0]), alternatives(fields[1]),
          alternatives(fields[2]), alternatives(fields[3]), alternatives(fields[4])};
}

std::string in_charset(const std::string& charset, std::string bytes) {
  if (charset.empty()) return bytes;
  const iconv_t handle = iconv_open(charset.c_str(), "UTF-8");
  if (handle == reinterpret_cast<iconv_t>(-1)) throw std::runtime_error("no charset " + charset);
  std::string result(bytes.size() * 4 + 16, '\0');
  char* from = bytes.data();
  std::size_t left = bytes.size();
  char* to = result.data();
  std::size_t room = result.size();
  const bool whole = iconv(handle, &from, &left, &to, &room) != static_cast<std::size_t>(-1) &&
                     iconv(handle, nullptr, nullptr, &to, &room) != static_cast<std::size_t>(-1);
  iconv_close(handle);
  if (!whole) throw std::runtime_error("not in charset " + charset + ": " + bytes);
  result.resize(result.size() - room);
  return result;
}

/// Words and fields as a multipart/report, with the returned header behind.
std::string as_report(const std::string& text) {
  const auto gap = text.find("\n\n");
  const auto fields = text.find("%status\n");
  if (fields == std::string::npos) return text;
  return text.substr(0, gap + 1) +
         "To: bounce@shop.example\nMIME-Version: 1.0\n"
         "Content-Type: multipart/report; report-type=delivery-status;\n boundary=\"=_rep/1\"\n\n"
         "--=_rep/1\nContent-Type: text/plain; charset=utf-8\n\n" +
         text.substr(gap + 2, fields - gap - 2) +
         "\n--=_rep/1\nContent-Type: message/delivery-status\n\n"
         "Reporting-MTA: dns; relay.example\nArrival-Date: Mon, 3 Feb 2025 10:00:00 +0900\n\n" +
         text.substr(fields + 8) +
         "\n--=_rep/1\nContent-Type: text/rfc822-headers\n\n"
         "Received: from app3.shop.example\nFrom: news@shop.example\nSubject: order 5521\n"
         "\n--=_rep/1--\n";
}

Trial family_trial(std::string_view group, std::string_view block) {
  Trial trial;
  trial.group = group;
  std::string charset;
  std::string mail;
  bool first = true;
  for (const std::string_view line : text::split(block, '\n')) {
    if (first) {
      trial.id = line;
    } else if (mail.empty() && line.starts_with("% ")) {
      trial.expected.push_back(expected_in(line.substr(2)));
    } else if (mail.empty() && line.starts_with("%charset ")) {
      charset = line.substr(9);
    } else {
      mail += std::string(line) + '\n';
    }
    first = false;
  }
  trial.bytes = in_charset(charset, as_report(mail));
  return trial;
}

}  // namespace

bool Expected::may_suppress() const { return is_one_of("suppress", decisions); }

bool Trial::may_suppress() const {
  return std::any_of(expected.begin(), expected.end(),
                     [](const Expected& each) { return each.may_suppress(); });
}

void Score::operator+=(const Score& other) {
  results += other.results;
  recipient += other.recipient;
  action += other.action;
  codes += other.codes;
  decided += other.decided;
  must += other.must;
  misses += other.misses;
  false_suppressions += other.false_suppressions;
  from_nothing += other.from_nothing;
}

double percent(int part, int whole) { return whole == 0 ? 100.0 : 100.0 * part / whole; }

Score score(const Trial& trial) {
  const mail::Report report = mail::read_report(trial.bytes);
  Score total;
  for (std::size_t i = 0; i < trial.expected.size(); ++i) {
    const Expected& expected = trial.expected[i];
    total += score_one(trial, expected, report, find(report, expected, i));
  }
  // What is read beside the expected results may not put anybody on the list either.
  for (const mail::Reported& each : report.results) {
    const bool meant =
        std::any_of(trial.expected.begin(), trial.expected.end(), [&](const Expected& expected) {
          return text::iequals(each.recipient, expected.recipient) || expected.may_suppress();
        });
    if (!meant && suppression_for(report, each).suppresses()) ++total.false_suppressions;
  }
  // That somebody is away, or forwards a report, is read as such, and nothing follows from it.
  total.from_nothing =
      trial.expected.empty() &&
      std::any_of(report.results.begin(), report.results.end(), [&](const mail::Reported& each) {
        return suppression_for(report, each).effect != Effect::none;
      });
  return total;
}

Scores score(const std::vector<Trial>& trials) {
  Scores scores;
  for (const Trial& trial : trials) {
    const Score one = score(trial);
    scores[trial.group] += one;
    scores["all"] += one;
  }
  return scores;
}

void print(const Scores& scores) {
  std::printf("%-24s %7s %9s %7s %7s %10s %5s %7s %6s\n", "class", "results", "recipient", "action",
              "codes", "acceptable", "must", "misses", "false");
  for (const auto& [name, s] : scores) {
    std::printf("%-24s %7d %8.1f%% %6.1f%% %6.1f%% %9.1f%% %5d %7d %6d\n", name.c_str(), s.results,
                percent(s.recipient, s.results), percent(s.action, s.results),
                percent(s.codes, s.results), percent(s.decided, s.results), s.must, s.misses,
                s.false_suppressions);
  }
}

fs::path corpus_folder() {
  if (const char* folder = std::getenv("ECRELAY_BOUNCES")) return folder;
  const char* shared = std::getenv("ECRELAY_SHARED");
  return (shared != nullptr ? fs::path(shared) : fs::path(RELAY_SOURCE_DIR) / "../shared") /
         "corpus/bounces";
}

std::vector<Trial> corpus() {
  std::vector<Trial> trials;
  if (!fs::exists(corpus_folder() / "expected.json")) return trials;
  const auto document = json::parse(contents(corpus_folder() / "expected.json"));
  for (const json::value& each : document.at("mails").as_array()) {
    const json::object& mail = each.as_object();
    Trial trial{text_of(mail, "id"),
                text_of(mail, "class"),
                contents(corpus_folder() / text_of(mail, "file")),
                {}};
    for (const json::value& result : mail.at("expected").as_array())
      trial.expected.push_back(expected_of(result.as_object()));
    trials.push_back(std::move(trial));
  }
  return trials;
}

std::vector<Trial> families() {
  std::vector<Trial> trials;
  for (const auto& entry :
       fs::directory_iterator(fs::path(RELAY_SOURCE_DIR) / "tests/unit/policy/families")) {
    const std::string file = '\n' + contents(entry.path());
    const std::string group = entry.path().stem();
    for (auto at = file.find("\n%% "); at != std::string::npos;) {
      const auto next = file.find("\n%% ", at + 1);
      trials.push_back(family_trial(group, std::string_view(file).substr(at + 4, next - at - 4)));
      at = next;
    }
  }
  return trials;
}

std::string contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

bool suppresses(std::string_view bytes) {
  const mail::Report report = mail::read_report(bytes);
  return std::any_of(report.results.begin(), report.results.end(),
                     [&](const auto& each) { return suppression_for(report, each).suppresses(); });
}

}  // namespace ecrelay::policy

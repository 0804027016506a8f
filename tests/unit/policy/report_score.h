#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ecrelay::policy {

/// One result that a mail must be read as. Every list holds what is right; an empty one says that
/// the field is not scored.
struct Expected {
  std::string recipient;
  std::vector<std::string> actions;
  std::vector<std::string> statuses;
  std::vector<std::string> replies;
  std::vector<std::string> decisions;  ///< the first is the right one, the others acceptable

  bool must_suppress() const { return decisions.size() == 1 && decisions.front() == "suppress"; }
  bool may_suppress() const;
};

/// A mail and what is to be made of it; no results: nothing may follow from it.
struct Trial {
  std::string id;
  std::string group;  ///< class or family, a line of the table
  std::string bytes;
  std::vector<Expected> expected;

  /// False: somebody's who lives. Nothing in it may ever suppress.
  bool may_suppress() const;
};

struct Score {
  void operator+=(const Score& other);

  int results = 0;
  int recipient = 0;
  int action = 0;
  int codes = 0;  ///< status and reply
  int decided = 0;
  int must = 0;
  int misses = 0;
  int false_suppressions = 0;
  int from_nothing = 0;  ///< mails without expected results from which something follows
};
using Scores = std::map<std::string, Score>;

double percent(int part, int whole);

/// What reader and classifier make of it. Every difference is printed where the environment says
/// ECRELAY_SCORE=misses.
Score score(const Trial& trial);
/// By group, and "all".
Scores score(const std::vector<Trial>& trials);
void print(const Scores& scores);

/// corpus/bounces (or ECRELAY_BOUNCES, a folder in the same form); empty where there is none.
std::vector<Trial> corpus();
std::filesystem::path corpus_folder();
/// tests/unit/policy/families: mails composed from what is public about each server's reports.
/// "%% NAME" begins one, "% recipient action status reply decision" expects a result ("-" is
/// empty, "?" not scored, "/" alternatives), "%charset LABEL" has the mail written in that charset,
/// "%status" puts what follows into a delivery status of its own part.
std::vector<Trial> families();

std::string contents(const std::filesystem::path& file);
bool suppresses(std::string_view bytes);

}  // namespace ecrelay::policy

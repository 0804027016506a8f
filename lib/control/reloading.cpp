#include "control/reloading.h"

#include <boost/json/array.hpp>

#include <algorithm>

#include "config/loader.h"
#include "control/arguments.h"
#include "control/consult.h"
#include "control/json.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;

json::object to_json(const config::Difference& difference) {
  json::object object;
  object["path"] = json_text(difference.path);
  object["change"] = difference.word();
  object["before"] = json_text(difference.before);
  object["after"] = json_text(difference.after);
  object["restart"] = difference.restart;
  return object;
}

json::array to_json(const std::vector<config::Difference>& differences) {
  json::array array;
  for (const config::Difference& each : differences) array.push_back(to_json(each));
  return array;
}

}  // namespace

std::string summary(const std::vector<config::Difference>& changes) {
  constexpr std::size_t named = 3;
  if (changes.empty()) return "the configuration was read again: nothing has changed";
  std::string text =
      std::to_string(changes.size()) + (changes.size() == 1 ? " change" : " changes");
  for (std::size_t i = 0; i < std::min(named, changes.size()); ++i)
    text += (i == 0 ? ": " : "; ") + changes[i].text();
  return changes.size() > named ? text + "; …" : text;
}

json::object to_json(const Reloaded& reloaded) {
  json::object object;
  object["text"] = json_text(summary(reloaded.changes));
  object["changes"] = to_json(reloaded.changes);
  json::array warnings;
  for (const std::string& warning : reloaded.warnings) warnings.push_back(json_text(warning));
  object["warnings"] = std::move(warnings);
  return object;
}

Answer compare_file(const json::object& arguments, const config::Settings& settings) {
  Arguments given(arguments);
  const std::string file = given.required("file");
  if (auto wrong = given.problem()) return *wrong;
  const config::LoadOutcome loaded = config::load(file);
  if (!loaded.settings) return invalid(broken_configuration(loaded).message);
  const auto differences = config::differences(settings, *loaded.settings);
  json::object answer;
  answer["ok"] = differences.empty();
  answer["restart"] = std::any_of(differences.begin(), differences.end(),
                                  [](const config::Difference& each) { return each.restart; });
  answer["differences"] = to_json(differences);
  return answer;
}

}  // namespace ecrelay::control

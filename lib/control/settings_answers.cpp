#include <boost/json/array.hpp>

#include <algorithm>
#include <string>
#include <utility>

#include "control/answers.h"
#include "control/arguments.h"
#include "control/json.h"
#include "control/reloading.h"
#include "core/escape.h"

namespace ecrelay::control {

namespace json = boost::json;

bool asks_the_settings(std::string_view command) { return command == "config.diff"; }

Answer answer_from_settings(std::string_view command, const json::object& arguments,
                            const config::Settings& settings) {
  if (command == "config.diff") return compare_file(arguments, settings);
  return unknown_command(command);
}

Answer answer_explain(const json::object& arguments, const Explain& explain) {
  Arguments given(arguments);
  const std::string ip = given.required("ip");
  const auto from = given.text("from");
  const auto address = IpAddress::parse(ip);
  if (!ip.empty() && !address) given.wrong("'" + printable(ip, 64) + "' is no IP address");
  if (auto wrong = given.problem()) return *wrong;

  std::optional<std::string_view> domain;
  if (from) domain = std::string_view(*from).substr(from->rfind('@') + 1);
  bool admitted = true;
  json::array steps;
  for (const policy::Step& step : explain(*address, domain)) {
    json::object object;
    object["question"] = json_text(step.question);
    object["passed"] = step.passed;
    object["answer"] = json_text(step.answer);
    steps.push_back(std::move(object));
    admitted = admitted && step.passed;
  }
  json::object answer;
  answer["admitted"] = admitted;
  answer["steps"] = std::move(steps);
  return answer;
}

}  // namespace ecrelay::control

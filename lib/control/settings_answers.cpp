#include <boost/json/array.hpp>

#include <algorithm>
#include <string>
#include <utility>

#include "control/answers.h"
#include "control/arguments.h"
#include "control/json.h"
#include "control/reloading.h"
#include "core/escape.h"
#include "dkim/key.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;

json::object key_of(const config::DkimKey& configured, const std::string& domain) {
  json::object object;
  object["domain"] = json_text(domain);
  object["selector"] = json_text(configured.selector);
  object["name"] = json_text(configured.selector + "._domainkey." + domain);
  object["key"] = json_text(configured.key.reference);
  const auto key = dkim::Key::parse(configured.key.value);
  if (!key) {
    object["problem"] = json_text(key.error().detail);
    return object;
  }
  object["algorithm"] = dkim::name(key->algorithm());
  object["bits"] = key->bits();
  object["weak"] = key->weak();
  object["record"] = json_text(key->record());
  return object;
}

Answer list_keys(const json::object& arguments, const config::Settings& settings) {
  Arguments given(arguments);
  if (auto wrong = given.problem()) return *wrong;
  json::array keys;
  for (const config::Shop& shop : settings.shops) {
    for (const config::Domain& domain : shop.domains) {
      for (const config::DkimKey& key : domain.dkim) {
        json::object object = key_of(key, domain.name);
        object["shop"] = json_text(shop.id);
        keys.push_back(std::move(object));
      }
    }
  }
  json::object answer;
  answer["keys"] = std::move(keys);
  return answer;
}

}  // namespace

bool asks_the_settings(std::string_view command) {
  return command == "dkim.list" || command == "config.diff";
}

Answer answer_from_settings(std::string_view command, const json::object& arguments,
                            const config::Settings& settings) {
  if (command == "dkim.list") return list_keys(arguments, settings);
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

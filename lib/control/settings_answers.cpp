#include <boost/json/array.hpp>

#include <algorithm>
#include <string>
#include <utility>

#include "control/answers.h"
#include "control/arguments.h"
#include "control/json.h"
#include "core/escape.h"
#include "core/text.h"
#include "dkim/key.h"
#include "mail/address.h"

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

struct Owned {
  const config::Shop& shop;
  const config::Domain& domain;
};

Result<Owned> find_domain(const std::string& wanted, const config::Settings& settings) {
  const std::string key = mail::domain_key(wanted);
  std::vector<std::string> names;
  for (const config::Shop& shop : settings.shops) {
    for (const config::Domain& domain : shop.domains) {
      if (mail::domain_key(domain.name) == key) return Owned{shop, domain};
      names.push_back(domain.name);
    }
  }
  const auto meant = text::suggestion(key, names);
  return not_found("no shop has the domain '" + printable(wanted, 320) + "'" +
                   (meant ? "; did you mean '" + *meant + "'?" : std::string()));
}

/// `needed`: without it mail is not signed or reports get lost; else it is advice.
json::object dns_record(const std::string& name, std::string_view type, const std::string& value,
                        bool needed) {
  json::object object;
  object["name"] = json_text(name);
  object["type"] = type;
  object["value"] = json_text(value);
  object["needed"] = needed;
  return object;
}

std::string servers_of(const config::Shop& shop, const config::Settings& settings) {
  std::string names;
  for (const config::Upstream& upstream : settings.upstreams) {
    if (upstream.name != shop.upstream) continue;
    for (const config::Server& server : upstream.servers) {
      names += (names.empty() ? "" : ", ") + server.address.host;
    }
  }
  return names;
}

/// SPF is about the sender on the envelope, and about addresses that only the upstream knows.
std::string spf_advice(const Owned& owned, const config::Settings& settings) {
  const std::string& sender = owned.domain.return_path.value_or(owned.domain.name);
  return "SPF: a TXT record of " + sender + " must name the servers that deliver for " +
         servers_of(owned.shop, settings) +
         ", as that provider says (v=spf1 include:… -all); this relay does not know them";
}

Answer show_dns(const json::object& arguments, const config::Settings& settings) {
  Arguments given(arguments);
  const std::string wanted = given.required("domain");
  if (auto wrong = given.problem()) return *wrong;
  const auto owned = find_domain(wanted, settings);
  if (!owned) return owned.error();
  const config::Domain& domain = owned->domain;

  json::array records;
  json::array advice;
  for (const config::DkimKey& configured : domain.dkim) {
    const auto key = dkim::Key::parse(configured.key.value);
    const std::string name = configured.selector + "._domainkey." + domain.name;
    if (key) {
      records.push_back(dns_record(name, "TXT", key->record(), true));
    } else {
      advice.push_back(json_text("DKIM: " + name + ": " + key.error().detail));
    }
  }
  if (domain.dkim.empty()) {
    advice.push_back(json_text("DKIM: " + domain.name +
                               " has no key, its mail leaves unsigned; "
                               "ecrelayctl dkim new makes one"));
  }
  if (domain.return_path && settings.reports.listen) {
    records.push_back(dns_record(*domain.return_path, "MX", "10 " + settings.hostname + ".", true));
  }
  records.push_back(dns_record("_dmarc." + domain.name, "TXT", "v=DMARC1; p=none", false));
  advice.push_back(json_text(spf_advice(*owned, settings)));
  advice.push_back(json_text("DMARC: keep the record that is published already, if there is one"));

  json::object answer;
  answer["domain"] = json_text(domain.name);
  answer["shop"] = json_text(owned->shop.id);
  answer["records"] = std::move(records);
  answer["advice"] = std::move(advice);
  return answer;
}

}  // namespace

bool asks_the_settings(std::string_view command) {
  return command == "dkim.list" || command == "dns.show";
}

Answer answer_from_settings(std::string_view command, const json::object& arguments,
                            const config::Settings& settings) {
  if (command == "dkim.list") return list_keys(arguments, settings);
  if (command == "dns.show") return show_dns(arguments, settings);
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

#include "control/key_answers.h"

#include <boost/json/array.hpp>

#include <map>
#include <set>
#include <string>
#include <utility>

#include "control/arguments.h"
#include "control/json.h"
#include "dkim/key.h"
#include "records/signing_key.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;
using records::SigningKey;

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

void add_life(json::object& object, const SigningKey* known, bool watched) {
  object["state"] = known != nullptr ? records::text(known->state) : watched ? "new" : "active";
  object["since"] = known == nullptr ? json::value(nullptr) : json_time(known->since);
  object["until"] = known == nullptr ? json::value(nullptr) : json_time(known->until);
}

/// The life of a domain's keys, where somebody looks at DNS.
class Lives {
 public:
  Lives(store::Inquiry& book, const config::Settings& settings)
      : watched_(settings.dns.check_every.has_value()) {
    if (!watched_) return;
    for (SigningKey& key : book.signing_keys("")) {
      Name name(key.domain, key.selector);
      known_.emplace(std::move(name), std::move(key));
    }
  }

  void add(json::object& object, const std::string& domain, const std::string& selector) {
    const auto found = known_.find(Name(domain, selector));
    add_life(object, found == known_.end() ? nullptr : &found->second, watched_);
    listed_.insert(Name(domain, selector));
  }

  /// Those that the configuration has no more, and DNS still needs.
  void add_left_over(json::array& keys) const {
    for (const auto& [name, key] : known_) {
      if (key.state != records::KeyState::retiring || listed_.contains(name)) continue;
      json::object object;
      object["domain"] = json_text(key.domain);
      object["selector"] = json_text(key.selector);
      object["name"] = json_text(key.selector + "._domainkey." + key.domain);
      object["key"] = nullptr;
      object["algorithm"] = json_text(key.algorithm);
      object["record"] = json_text(key.record);
      add_life(object, &key, true);
      keys.push_back(std::move(object));
    }
  }

 private:
  using Name = std::pair<std::string, std::string>;  // domain and selector

  bool watched_;
  std::map<Name, SigningKey> known_;
  std::set<Name> listed_;
};

}  // namespace

Answer list_keys(const Question& question) {
  Arguments given(question.arguments);
  if (auto wrong = given.problem()) return *wrong;
  Lives lives(question.book, question.settings);
  json::array keys;
  for (const config::Shop& shop : question.settings.shops) {
    for (const config::Domain& domain : shop.domains) {
      for (const config::DkimKey& key : domain.dkim) {
        json::object object = key_of(key, domain.name);
        object["shop"] = json_text(shop.id);
        lives.add(object, domain.name, key.selector);
        keys.push_back(std::move(object));
      }
    }
  }
  lives.add_left_over(keys);
  json::object answer;
  answer["keys"] = std::move(keys);
  return answer;
}

}  // namespace ecrelay::control

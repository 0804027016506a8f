#include "control/key_answers.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "control/arguments.h"
#include "control/json.h"
#include "dkim/key.h"
#include "mail/address.h"
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
    if (watched_) known_ = book.signing_keys("");
  }

  void add(json::object& object, const std::string& domain, const std::string& selector) {
    const auto found = std::find_if(known_.begin(), known_.end(), [&](const SigningKey& key) {
      return key.domain == mail::domain_key(domain) && key.selector == selector;
    });
    add_life(object, found == known_.end() ? nullptr : &*found, watched_);
    if (found != known_.end()) listed_.push_back(domain + " " + selector);
  }

  /// Those that the configuration has no more, and DNS still needs.
  void add_left_over(json::array& keys) const {
    for (const SigningKey& key : known_) {
      const std::string name = key.domain + " " + key.selector;
      if (key.state != records::KeyState::retiring ||
          std::find(listed_.begin(), listed_.end(), name) != listed_.end())
        continue;
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
  bool watched_;
  std::vector<SigningKey> known_;
  std::vector<std::string> listed_;
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

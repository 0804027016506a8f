#include "control/rotation.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <utility>
#include <vector>

#include "config/loader.h"
#include "control/consult.h"
#include "control/fields.h"
#include "control/json.h"
#include "control/new_key.h"
#include "core/escape.h"
#include "core/text.h"
#include "mail/address.h"
#include "records/signing_key.h"
#include "store/inquiry.h"

namespace ecrelay::control {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using records::KeyState;
using records::SigningKey;

/// What a step is decided by.
struct Ground {
  config::Settings settings;
  config::Domain domain;
  std::vector<SigningKey> known;  ///< of the algorithm, as the book has them
  fs::path folder;
};

bool is_configured(const Ground& ground, std::string_view selector) {
  return std::any_of(ground.domain.dkim.begin(), ground.domain.dkim.end(),
                     [&](const config::DkimKey& each) { return each.selector == selector; });
}

const SigningKey* known_key(const Ground& ground, KeyState state) {
  const auto found =
      std::find_if(ground.known.begin(), ground.known.end(), [&](const SigningKey& key) {
        return key.state == state && is_configured(ground, key.selector);
      });
  return found == ground.known.end() ? nullptr : &*found;
}

std::optional<config::Domain> find(const config::Settings& settings, const std::string& wanted) {
  const std::string key = mail::domain_key(wanted);
  for (const config::Shop& shop : settings.shops) {
    for (const config::Domain& domain : shop.domains) {
      if (mail::domain_key(domain.name) == key) return domain;
    }
  }
  return std::nullopt;
}

/// The key that a file of the folder holds and that the configuration does not name: an earlier
/// call made it. One that the book knows has been in use before.
std::optional<std::string> unused_selector(const Ground& ground, dkim::Algorithm algorithm) {
  std::vector<std::string> found;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(ground.folder, none)) {
    const std::string file = entry.path().filename().string();
    const std::string begin = ground.domain.name + ".";
    if (!file.starts_with(begin) || !file.ends_with(".pem")) continue;
    const std::string selector = file.substr(begin.size(), file.size() - begin.size() - 4);
    const bool used = is_configured(ground, selector) ||
                      std::any_of(ground.known.begin(), ground.known.end(),
                                  [&](const auto& key) { return key.selector == selector; });
    const Result<dkim::Key> key = read_key(entry.path());
    if (!used && key && key->algorithm() == algorithm) found.push_back(selector);
  }
  std::sort(found.begin(), found.end());
  if (found.empty()) return std::nullopt;
  return found.front();
}

/// "r2" after "r1", "2027" after "2026", "s2" after "s".
std::string following(std::string selector) {
  std::size_t digits = selector.size();
  while (digits > 0 && text::is_digit(selector[digits - 1])) --digits;
  const auto number = text::number(std::string_view(selector).substr(digits));
  return selector.substr(0, digits) + std::to_string(number.value_or(1) + 1);
}

std::string new_selector(const Ground& ground, const SigningKey& signing) {
  std::string selector = following(signing.selector);
  while (is_configured(ground, selector) ||
         fs::exists(ground.folder / key_file_name(ground.domain.name, selector))) {
    selector = following(selector);
  }
  return selector;
}

json::array old_keys(const Ground& ground) {
  json::array old;
  for (const SigningKey& key : ground.known) {
    if (key.state != KeyState::retiring && key.state != KeyState::retired) continue;
    json::object object;
    object["selector"] = json_text(key.selector);
    object["state"] = records::text(key.state);
    object["until"] = json_time(key.until);
    object["configured"] = is_configured(ground, key.selector);
    old.push_back(std::move(object));
  }
  return old;
}

json::object step(const Ground& ground, std::string_view name, const std::string& selector,
                  const std::string& record) {
  json::object result;
  result["domain"] = json_text(ground.domain.name);
  result["step"] = name;
  result["selector"] = json_text(selector);
  result["name"] = json_text(selector + "._domainkey." + ground.domain.name);
  result["record"] = json_text(record);
  result["strings"] = json_list(dkim::txt_strings(record));
  result["zone"] = json_text(ground.settings.dns.dkim_zone.value_or(""));
  result["old"] = old_keys(ground);
  return result;
}

/// Both keys stand in the configuration until the old one has retired.
json::string yaml(const Ground& ground, const std::string& selector) {
  std::string text = "dkim: [";
  for (const config::DkimKey& each : ground.domain.dkim) {
    text += "{selector: \"" + each.selector + "\", key: \"" + each.key.reference + "\"}, ";
  }
  return json_text(text + "{selector: \"" + selector + "\", key: \"file:keys/" +
                   key_file_name(ground.domain.name, selector) + "\"}]");
}

Reply made(const Ground& ground, const Rotation& wanted, const SigningKey& signing) {
  NewKey order;
  order.domain = ground.domain.name;
  order.selector = wanted.selector.value_or(new_selector(ground, signing));
  order.algorithm = wanted.algorithm;
  order.config = wanted.config;
  Reply reply = make_key(order);
  const auto* key = std::get_if<json::object>(&reply);
  if (key == nullptr) return reply;
  json::object result = step(ground, "made", field(*key, "selector"), field(*key, "record"));
  result["file"] = key->at("file");
  result["yaml"] = yaml(ground, field(*key, "selector"));
  return result;
}

Reply unused(const Ground& ground, const std::string& selector) {
  const fs::path file = ground.folder / key_file_name(ground.domain.name, selector);
  const Result<dkim::Key> key = read_key(file);
  if (!key) return Fault(FaultCode::configuration, key.error().detail);
  json::object result = step(ground, "unused", selector, key->record());
  result["file"] = json_text(file.string());
  result["yaml"] = yaml(ground, selector);
  return result;
}

/// With what DNS says of it now.
Reply pending(const Ground& ground, const SigningKey& key, const Examiner& examiner) {
  json::object result = step(ground, "pending", key.selector, key.record);
  json::object arguments;
  arguments["domain"] = json_text(ground.domain.name);
  const Answer check = answer_dns_here("dns.check", arguments, examiner(ground.settings));
  if (!check) return reply_of(check.error());
  const json::object& report = object_of(list(*check, "domains").at(0));
  for (const json::value& each : list(report, "records")) {
    const json::object& record = object_of(each);
    if (field(record, "selector") == key.selector && field(record, "by") == "shop")
      result["dns"] = record;
  }
  return result;
}

Reply next_step(const Ground& ground, const Rotation& wanted, const Examiner& examiner) {
  if (const SigningKey* waits = known_key(ground, KeyState::pending))
    return pending(ground, *waits, examiner);
  const SigningKey* signing = known_key(ground, KeyState::active);
  if (signing == nullptr) {
    return Fault(FaultCode::conflict,
                 ground.domain.name + " has no " + std::string(dkim::name(wanted.algorithm)) +
                     " key that signs, so there is nothing to replace: ecrelayctl dkim new " +
                     ground.domain.name + " --selector r1");
  }
  if (known_key(ground, KeyState::retiring) != nullptr)
    return step(ground, "replaced", signing->selector, signing->record);
  if (known_key(ground, KeyState::retired) != nullptr)
    return step(ground, "finished", signing->selector, signing->record);
  if (const auto selector = unused_selector(ground, wanted.algorithm))
    return unused(ground, *selector);
  return made(ground, wanted, *signing);
}

}  // namespace

Reply rotate_key(const Rotation& wanted, const Examiner& examiner) {
  config::LoadOutcome loaded = config::load(wanted.config);
  if (!loaded.settings) return broken_configuration(loaded);
  const auto domain = find(*loaded.settings, wanted.domain);
  if (!domain)
    return Fault(FaultCode::not_found, "no shop has the domain '" + printable(wanted.domain) + "'");
  if (!loaded.settings->dns.check_every) {
    return Fault(FaultCode::conflict,
                 "nobody would notice that the new key is in DNS: set dns: {check_every: 6h} and "
                 "reload the relay");
  }
  const std::string book = loaded.settings->state_dir / "book.db";
  if (auto fault = unreadable(book)) return *fault;
  Ground ground{
      std::move(*loaded.settings), *domain, {}, fs::absolute(wanted.config).parent_path() / "keys"};
  for (SigningKey& key : store::Inquiry(book).signing_keys(mail::domain_key(domain->name))) {
    if (key.algorithm == dkim::name(wanted.algorithm)) ground.known.push_back(std::move(key));
  }
  return next_step(ground, wanted, examiner);
}

namespace {

std::string record_lines(const json::object& result) {
  std::string text =
      "  " + shown(result, "name") + "  TXT  " + printable(field(result, "record"), 4096) + "\n";
  if (field(result, "zone").empty()) return text;
  return text + "  (by way of the CNAME to " + shown(result, "zone") + " that dns show gives)\n";
}

std::string to_do_lines(const json::object& result) {
  return "1. publish in DNS:\n" + record_lines(result) + "2. in the configuration, at the domain " +
         shown(result, "domain") + ":\n  " + printable(field(result, "yaml"), 4096) +
         "\n3. ecrelayctl reload; the old key signs until DNS has the new one\n"
         "then give this command again: it says how far it is\n";
}

std::string pending_lines(const json::object& result) {
  const json::object& dns = part(result, "dns");
  std::string text = shown(result, "selector") +
                     " waits until DNS has it everywhere; now: " + shown(dns, "state") + "\n";
  for (const json::value& each : list(dns, "remarks")) {
    if (each.is_string()) text += "  " + printable(each.get_string()) + "\n";
  }
  if (field(dns, "state") == "ok") return text + "the relay takes it at its next look\n";
  return text + record_lines(result);
}

std::string old_lines(const json::object& result) {
  std::string text;
  for (const json::value& each : list(result, "old")) {
    const json::object& key = object_of(each);
    const std::string selector = shown(key, "selector");
    if (field(key, "state") == "retired") {
      if (truth(key, "configured"))
        text += selector + " may be removed from the configuration, and from DNS\n";
    } else {
      text += selector + " must stay in DNS until " + time_field(key, "until") +
              ", for mail that is under way\n";
    }
  }
  return text;
}

}  // namespace

std::string render_rotation(const json::object& result) {
  const std::string name = field(result, "step");
  if (name == "made") return "written: " + shown(result, "file") + "\n" + to_do_lines(result);
  if (name == "unused")
    return "made before, and not in use yet: " + shown(result, "file") + "\n" + to_do_lines(result);
  if (name == "pending") return pending_lines(result);
  return shown(result, "selector") + " signs\n" + old_lines(result);
}

}  // namespace ecrelay::control

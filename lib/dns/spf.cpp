#include "dns/spf.h"

#include <algorithm>
#include <array>

#include "core/escape.h"
#include "core/network.h"
#include "core/text.h"

namespace ecrelay::dns {
namespace {

enum class Value { none, optional, domain, network4, network6 };
struct Mechanism {
  std::string_view name;
  Value value;
};
constexpr auto mechanisms = std::to_array<Mechanism>({{"all", Value::none},
                                                      {"include", Value::domain},
                                                      {"a", Value::optional},
                                                      {"mx", Value::optional},
                                                      {"ptr", Value::optional},
                                                      {"ip4", Value::network4},
                                                      {"ip6", Value::network6},
                                                      {"exists", Value::domain}});

const Mechanism* find(std::string_view name) {
  const auto* found = std::find_if(mechanisms.begin(), mechanisms.end(),
                                   [&](const Mechanism& each) { return each.name == name; });
  return found == mechanisms.end() ? nullptr : found;
}

bool is_domain_spec(std::string_view text) {
  return !text.empty() && text.size() <= 255 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

bool fits(Value kind, std::string_view value) {
  switch (kind) {
    case Value::none:
      return value.empty();
    case Value::optional:
      return value.empty() || value.front() == '/' || is_domain_spec(value);
    case Value::domain:
      return is_domain_spec(value) && value.find('.') != std::string_view::npos;
    case Value::network4:
      return value.find(':') == std::string_view::npos && Network::parse(value);
    case Value::network6:
      break;
  }
  return value.find(':') != std::string_view::npos && Network::parse(value);
}

/// "name:value", "name/24" or "name=value".
SpfTerm taken_apart(std::string_view text) {
  SpfTerm term;
  const auto end = text.find_first_of(":/=");
  term.name = text::lowered(text.substr(0, end));
  if (end == std::string_view::npos) return term;
  term.modifier = text[end] == '=';
  term.value = text.substr(text[end] == '/' ? end : end + 1);
  return term;
}

void add_new(std::vector<SpfTerm>& to, const std::vector<SpfTerm>& from) {
  for (const SpfTerm& term : missing_terms(to, from)) to.push_back(term);
}

}  // namespace

std::string SpfTerm::text() const {
  std::string text = qualifier == '+' ? "" : std::string(1, qualifier);
  text += name;
  if (modifier) return text + "=" + value;
  if (value.empty()) return text;
  return text + (value.front() == '/' ? "" : ":") + value;
}

bool is_spf(std::string_view record) {
  return text::istarts_with(record, "v=spf1") && (record.size() == 6 || record[6] == ' ');
}

Result<SpfTerm> parse_spf_term(std::string_view text) {
  const std::string shown = "'" + printable(text, 100) + "'";
  const bool qualified = !text.empty() && std::string_view("+-~?").find(text[0]) < 4;
  SpfTerm term = taken_apart(qualified ? text.substr(1) : text);
  if (qualified) term.qualifier = text.front();
  if (term.modifier) {  // unknown ones are to be passed over (RFC 7208 6)
    const bool known = term.name == "redirect" || term.name == "exp";
    if (qualified || term.name.empty() || (known && !is_domain_spec(term.value)))
      return invalid(shown + " is no modifier of SPF");
    return term;
  }
  const Mechanism* mechanism = find(term.name);
  if (mechanism == nullptr) return invalid(shown + " is no mechanism of SPF");
  if (!fits(mechanism->value, term.value)) return invalid(shown + ": what follows is wrong");
  return term;
}

Result<std::vector<SpfTerm>> parse_spf(std::string_view record) {
  if (!is_spf(record)) return invalid("it does not begin with v=spf1");
  std::vector<SpfTerm> terms;
  for (const std::string_view word : text::split(record.substr(6), ' ')) {
    if (word.empty()) continue;
    Result<SpfTerm> term = parse_spf_term(word);
    if (!term) return term.error();
    terms.push_back(std::move(*term));
  }
  return terms;
}

std::vector<SpfTerm> missing_terms(const std::vector<SpfTerm>& record,
                                   const std::vector<SpfTerm>& wanted) {
  std::vector<SpfTerm> missing;
  for (const SpfTerm& term : wanted) {
    const auto same = [&](const SpfTerm& each) {
      return each.name == term.name && each.modifier == term.modifier &&
             each.qualifier == term.qualifier && text::iequals(each.value, term.value);
    };
    if (std::none_of(record.begin(), record.end(), same)) missing.push_back(term);
  }
  return missing;
}

std::string merged_spf(const std::vector<std::string>& records, const std::vector<SpfTerm>& wanted,
                       std::string_view otherwise) {
  std::vector<SpfTerm> merged;
  std::vector<SpfTerm> endings;
  for (const std::string& record : records) {
    const Result<std::vector<SpfTerm>> terms = parse_spf(record);
    if (!terms) continue;
    std::vector<SpfTerm> inside;
    for (const SpfTerm& term : *terms) (term.ends_record() ? endings : inside).push_back(term);
    add_new(merged, inside);
  }
  add_new(merged, wanted);
  std::string text = "v=spf1";
  for (const SpfTerm& term : merged) text += " " + term.text();
  return text + " " + (endings.empty() ? std::string(otherwise) : endings.front().text());
}

}  // namespace ecrelay::dns

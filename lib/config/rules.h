#pragma once

#include <set>
#include <string>
#include <vector>

#include "config/section.h"
#include "config/units.h"

/// Rules for the values of single keys: "" when the value is fine.
namespace ecrelay::config {

/// At least `least`, at most `most`.
template <typename T>
Rule<T> between(T least, T most) {
  const std::string range = Scalar<T>::write(least) + " to " + Scalar<T>::write(most);
  const auto check = [least, most, range](const T& value) -> std::string {
    if (least <= value && value <= most) return {};
    return Scalar<T>::write(value) + " is out of range: " + range;
  };
  return Rule<T>(check, range);
}

template <typename T>
Rule<T> at_least(T least) {
  const auto check = [least](const T& value) -> std::string {
    if (least <= value) return {};
    return Scalar<T>::write(value) + " is less than " + Scalar<T>::write(least);
  };
  return Rule<T>(check, "at least " + Scalar<T>::write(least));
}

/// A list that must hold something, each thing once.
template <typename T>
std::string some(std::vector<T>& list) {
  if (list.empty()) return "an empty list";
  if constexpr (SingleValue<T>) {
    std::set<std::string> seen;
    for (const T& item : list) {
      const std::string text = Scalar<T>::write(item);
      if (!seen.insert(text).second) return "'" + printable(text) + "' stands there twice";
    }
  }
  return {};
}

/// 64 hexadecimal digits in lower case.
bool is_fingerprint(std::string_view text);

std::string all_or_some(ShopSet& shops);
/// Brings the name to lower case.
std::string domain_name(std::string& name);
/// Letters, digits, '.', '_' and '-', at most 64, a letter or digit first: fit for file names
/// and metric labels.
std::string identifier(std::string& name);
/// "5.1.1", or "5.7.*".
std::string status_pattern(std::string& status);
/// A phrase to look for in replies: some letters at least, '*' only as a word between others.
std::string reply_words(std::string& words);
std::string dkim_selector(std::string& selector);
/// A SHA-256 fingerprint (colons allowed), brought to 64 lower-case digits, or a DNS name.
std::string certificate_identity(std::string& identity);
std::string spf_terms(std::vector<std::string>& terms);
std::string dmarc_record(std::string& record);
std::string pem_private_key(SecretText& key);
std::string long_secret(SecretText& secret);
std::string readable_file(std::filesystem::path& path);
std::string socket_path(std::filesystem::path& path);

}  // namespace ecrelay::config
